import { board } from './board.ts';
import { JOB, OF_JOB, OF_TRACER, TRACER } from './choices.ts';
import { chart, figure } from './panel.ts';
import { series } from './query.ts';

const NO_PYTHON = 'No metrics of a Python conserver';
const ours = (metric: string, ...more: string[]) => series(metric, OF_JOB, ...more);
const lists = (kind: string) =>
  `max by (ingress_list) (${series('conserver_ingress_list_length', `kind="${kind}"`)})`;
const FULLNESS = `${ours('vcon_journal_size_bytes')} / ${ours('vcon_journal_max_size_bytes')}`;

/** What waits, where, and for how long; and what was given up. */
export const queues = board({
  uid: 'vcon-queues',
  title: 'vCon queues and dead letters',
  description: 'What waits, where, and for how long; and what was given up.',
  choices: [JOB, TRACER],
  rows: [
    {
      title: 'Is anything wrong?',
      panels: [
        figure({
          title: 'vCons waiting',
          description:
            'In all ingress lists. If it grows for minutes, there are too few workers, or a chain is stuck.',
          unit: 'short',
          queries: [[`sum (${lists('ingress')})`, 'waiting']],
          empty: NO_PYTHON,
        }),
        figure({
          title: 'vCons in dead letters',
          description:
            'In the DLQ of every ingress list. Somebody has to look at each; they expire after a week.',
          unit: 'short',
          queries: [[`sum (${lists('dlq')})`, 'dead']],
          warn: 1,
          alarm: 100,
          empty: NO_PYTHON,
        }),
        figure({
          title: 'Events to hear',
          description: 'Events that tracers have yet to hear: a backlog of the audit, not of the conserver.',
          unit: 'short',
          queries: [[`sum (${ours('vcon_journal_depth', OF_TRACER)})`, 'events']],
        }),
        figure({
          title: 'Oldest event',
          description: 'Age of the oldest event that a tracer has yet to hear: how late the audit is.',
          unit: 's',
          queries: [[`max (${ours('vcon_journal_oldest_age_seconds', OF_TRACER)})`, 'age']],
          warn: 60,
          alarm: 900,
        }),
        figure({
          title: 'Events given up',
          description:
            'Dead letters of tracers. `vcon-otel queue dead` says why; decide with `queue retry` or `queue skip`.',
          unit: 'short',
          queries: [[`sum (${ours('vcon_journal_dead_letters', OF_TRACER)})`, 'dead']],
          warn: 1,
          alarm: 100,
        }),
        figure({
          title: 'Journal',
          description:
            'How full it is. At 95 % sources are told to wait, or the slowest tracer loses its oldest events.',
          unit: 'percentunit',
          queries: [[`max (${FULLNESS})`, 'full']],
          warn: 0.7,
          alarm: 0.9,
          empty: 'No journal on a disk',
        }),
      ],
    },
    {
      title: 'Tracers’ queues',
      panels: [
        chart({
          title: 'Events to hear',
          description:
            'By tracer. If one grows alone, that tracer is slow or down; if all grow, events arrive faster than they can be delivered.',
          unit: 'short',
          queries: [
            [`sum by (vcon_tracer_name) (${ours('vcon_journal_depth', OF_TRACER)})`, '{{vcon_tracer_name}}'],
          ],
        }),
        chart({
          title: 'Age of the oldest event',
          description: 'How late each tracer is.',
          unit: 's',
          queries: [
            [
              `max by (vcon_tracer_name) (${ours('vcon_journal_oldest_age_seconds', OF_TRACER)})`,
              '{{vcon_tracer_name}}',
            ],
          ],
        }),
        chart({
          title: 'Dead letters',
          description: 'Events that a tracer did not accept and that wait for a decision.',
          unit: 'short',
          queries: [
            [
              `sum by (vcon_tracer_name) (${ours('vcon_journal_dead_letters', OF_TRACER)})`,
              '{{vcon_tracer_name}}',
            ],
          ],
        }),
        chart({
          title: 'Journal on disk',
          description: 'The size of its file, and the limit.',
          unit: 'bytes',
          queries: [
            [`sum by (instance) (${ours('vcon_journal_size_bytes')})`, '{{instance}} size'],
            [`sum by (instance) (${ours('vcon_journal_max_size_bytes')})`, '{{instance}} limit'],
          ],
          empty: 'No journal on a disk',
        }),
        chart({
          title: 'Records to read',
          description:
            'In the forwarder’s Redis stream. If it grows, the adapter is down or too slow; Redis keeps the records as long as it has room.',
          unit: 'short',
          queries: [[`sum by (instance) (${ours('vcon_receiver_stream_lag')})`, '{{instance}}']],
          empty: 'No Redis stream is read',
        }),
      ],
    },
    {
      title: 'The Python conserver’s lists',
      panels: [
        chart({
          title: 'Ingress lists',
          description:
            'Waiting vCons. Every worker reports the same length, so this is the largest, not the sum.',
          unit: 'short',
          queries: [[lists('ingress'), '{{ingress_list}}']],
          empty: NO_PYTHON,
        }),
        chart({
          title: 'Dead letter lists',
          description: 'vCons whose chain failed, by ingress list.',
          unit: 'short',
          queries: [[lists('dlq'), 'DLQ:{{ingress_list}}']],
          empty: NO_PYTHON,
        }),
        chart({
          title: 'Sent to dead letters',
          description:
            'By the server, in an hour, by list. Those of storages (DLQ:storage:NAME) are counted only here.',
          unit: 'short',
          queries: [['sum by (queue_name) (increase(conserver_dlq_count_total[1h]))', '{{queue_name}}']],
          empty: NO_PYTHON,
        }),
        chart({
          title: 'Redis memory',
          description:
            'Memory that the conserver’s Redis uses. Near its maxmemory, writes fail and vCons go to the dead letters.',
          unit: 'bytes',
          queries: [['max (conserver_redis_memory_used_bytes)', 'used']],
          empty: NO_PYTHON,
        }),
      ],
    },
  ],
});
