import { board } from './board.ts';
import { JOB, OF_JOB } from './choices.ts';
import { chart, figure } from './panel.ts';
import { inLastHour, perSecond, series } from './query.ts';

const ours = (metric: string, ...more: string[]) => series(metric, OF_JOB, ...more);
const NO_RECEIVER = 'Nothing is received from outside';
const NO_COLLECTOR = 'The Collector’s own metrics are not scraped';
const QUEUE = 'otelcol_exporter_queue_size / otelcol_exporter_queue_capacity';

/** Whether the adapter, and the Collector in front of it, do their work. */
export const adapterHealth = board({
  uid: 'vcon-adapter-health',
  title: 'vCon adapter health',
  description: 'Whether the adapter, and the Collector in front of it, do their work.',
  choices: [{ ...JOB, metric: 'vcon_journal_full' }],
  rows: [
    {
      title: 'Is anything wrong?',
      panels: [
        figure({
          title: 'Not reached',
          description: 'Programs of the stack that Prometheus cannot scrape.',
          unit: 'short',
          queries: [['count (up == 0) or vector(0)', 'down']],
          warn: 1,
          alarm: 1,
        }),
        figure({
          title: 'Spans lost in an hour',
          description: 'By our exporters, because a queue was full or an endpoint refused them.',
          unit: 'short',
          queries: [
            [
              `${inLastHour(ours('vcon_exporter_spans_total', 'vcon_outcome=~"failed|dropped"'))} or vector(0)`,
              'lost',
            ],
          ],
          warn: 1,
          alarm: 1,
        }),
        figure({
          title: 'Records lost in an hour',
          description:
            'Trimmed off the Redis stream before they were read, or numbered by a worker and never seen.',
          unit: 'short',
          queries: [
            [
              `${inLastHour(ours('vcon_receiver_records_total', 'vcon_outcome="lost"'))} or vector(0)`,
              'lost',
            ],
          ],
          warn: 1,
          alarm: 1,
        }),
        figure({
          title: 'Waiting',
          description: '1 while the journal tells its sources to come back later.',
          unit: 'short',
          queries: [[`max (${ours('vcon_journal_full')})`, 'full']],
          warn: 1,
          alarm: 1,
        }),
        figure({
          title: 'Runs open',
          description:
            'Heard of from outside and not over. If this keeps growing, ends of runs do not arrive.',
          unit: 'short',
          queries: [[`sum (${ours('vcon_receiver_runs')})`, 'runs']],
          empty: NO_RECEIVER,
        }),
        figure({
          title: 'Collector’s queue for the audit',
          description:
            'Share of its room on disk. If it stays above 0, the adapter does not accept what it is sent.',
          unit: 'percentunit',
          queries: [
            [
              `max (${series('otelcol_exporter_queue_size', 'exporter="otlp_http/adapter"')} / ${series('otelcol_exporter_queue_capacity', 'exporter="otlp_http/adapter"')})`,
              'used',
            ],
          ],
          warn: 0.1,
          alarm: 0.8,
          empty: NO_COLLECTOR,
        }),
      ],
    },
    {
      title: 'The process',
      panels: [
        chart({
          title: 'Memory',
          description: 'Resident. It grows to a few hundred MB under load and stays there.',
          unit: 'bytes',
          queries: [
            [`sum by (job, instance) (${ours('process_memory_usage_bytes')})`, '{{job}} {{instance}}'],
          ],
          width: 8,
        }),
        chart({
          title: 'CPU',
          description: 'Cores in use. The event loop uses one, the journal’s thread another.',
          unit: 'short',
          queries: [
            [
              perSecond(ours('process_cpu_time_seconds_total'), ['job', 'instance', 'cpu_mode']),
              '{{job}} {{instance}} {{cpu_mode}}',
            ],
          ],
          width: 8,
          stacked: true,
        }),
        chart({
          title: 'Event loop delay (p99)',
          description:
            'How late timers are. If it stays above 100 ms, the process has more to do than it can.',
          unit: 's',
          queries: [
            [
              `max by (job, instance) (${ours('nodejs_eventloop_delay_p99_seconds')})`,
              '{{job}} {{instance}}',
            ],
          ],
          width: 8,
        }),
      ],
    },
    {
      title: 'What arrives and leaves',
      panels: [
        chart({
          title: 'Spans received',
          description: 'By outcome; those that are not the conserver’s are ignored.',
          unit: 'ops',
          queries: [[perSecond(ours('vcon_receiver_spans_total'), ['vcon_outcome']), '{{vcon_outcome}}']],
          empty: NO_RECEIVER,
        }),
        chart({
          title: 'Records received',
          description: 'From the forwarder, by outcome.',
          unit: 'ops',
          queries: [[perSecond(ours('vcon_receiver_records_total'), ['vcon_outcome']), '{{vcon_outcome}}']],
          empty: NO_RECEIVER,
        }),
        chart({
          title: 'Issues of receivers',
          description:
            'What was wrong with what arrived in an hour; docs/metrics.md says what each kind means.',
          unit: 'short',
          queries: [
            [
              `${inLastHour(ours('vcon_receiver_issues_total'), ['vcon_issue_kind'])} > 0`,
              '{{vcon_issue_kind}}',
            ],
          ],
          empty: 'No issue in an hour',
        }),
        chart({
          title: 'Issues of the bridge',
          description: 'What it could not make sense of in an hour.',
          unit: 'short',
          queries: [
            [
              `${inLastHour(ours('vcon_bridge_issues_total'), ['vcon_issue_kind'])} > 0`,
              '{{vcon_issue_kind}}',
            ],
          ],
          empty: 'No issue in an hour',
        }),
        chart({
          title: 'Spans exported',
          description: 'By our exporters.',
          unit: 'ops',
          queries: [[perSecond(ours('vcon_exporter_spans_total'), ['vcon_outcome']), '{{vcon_outcome}}']],
          empty: 'We exported no spans',
        }),
      ],
    },
    {
      title: 'The Collector',
      panels: [
        chart({
          title: 'Spans received',
          description:
            'Accepted and refused. Refused spans are sent again; if refusals continue, the Collector has too little memory.',
          unit: 'ops',
          queries: [
            [perSecond('otelcol_receiver_accepted_spans_total', ['transport']), '{{transport}} accepted'],
            [perSecond('otelcol_receiver_refused_spans_total', ['transport']), '{{transport}} refused'],
          ],
          empty: NO_COLLECTOR,
        }),
        chart({
          title: 'Spans sent',
          description: 'By exporter.',
          unit: 'ops',
          queries: [[perSecond('otelcol_exporter_sent_spans_total', ['exporter']), '{{exporter}}']],
          empty: NO_COLLECTOR,
        }),
        chart({
          title: 'Spans lost by the Collector',
          description:
            'Given up after a time limit, or refused by a full queue. For otlp_grpc/tempo that is normal if Tempo does not run.',
          unit: 'ops',
          queries: [
            [perSecond('otelcol_exporter_send_failed_spans_total', ['exporter']), '{{exporter}} failed'],
            [perSecond('otelcol_exporter_enqueue_failed_spans_total', ['exporter']), '{{exporter}} dropped'],
          ],
          empty: 'None lost',
        }),
        chart({
          title: 'Queues',
          description: 'How full the Collector’s queues are.',
          unit: 'percentunit',
          queries: [[`max by (exporter, data_type) (${QUEUE})`, '{{exporter}} {{data_type}}']],
          empty: NO_COLLECTOR,
        }),
      ],
    },
  ],
});
