import { board } from './board.ts';
import { CHAIN, JOB, OF_CHAIN, OF_JOB } from './choices.ts';
import { tracesOf } from './explore.ts';
import { chart, figure } from './panel.ts';
import { inLastHour, mean, perSecond, quantile, series, share } from './query.ts';

const DURATION = 'vcon_chain_duration_seconds';
const of = (...more: string[]) => series(`${DURATION}_count`, OF_JOB, OF_CHAIN, ...more);
const ALL = of();
const FAILED = of('vcon_chain_outcome="error"');
const HALTED = of('vcon_chain_outcome="halted"');
const UNKNOWN = of('vcon_chain_outcome="unknown"');
const NAME = ['vcon_chain_name'];
const CHAIN_LINKS = tracesOf('vcon.chain.name', 'vcon_chain_name');
const PYTHON = 'chain_name=~"$chain"';
const NO_PYTHON = 'No metrics of a Python conserver';

/** What passes through the chains, how long it takes, and how it ends. */
export const chains = board({
  uid: 'vcon-chains',
  title: 'vCon chains',
  description: 'What passes through the chains, how long it takes, and how it ends.',
  choices: [JOB, CHAIN],
  rows: [
    {
      title: 'Is anything wrong?',
      panels: [
        figure({
          title: 'Runs',
          description:
            'Passages of a vCon through a chain that ended, per second. If there are fewer than expected, look at the queues.',
          unit: 'reqps',
          queries: [[perSecond(ALL), 'runs']],
        }),
        figure({
          title: 'Failed',
          description:
            'Share of runs that ended in an error. Their vCons are in the dead letters of their ingress list.',
          unit: 'percentunit',
          queries: [[share(perSecond(FAILED), perSecond(ALL)), 'failed']],
          warn: 0.01,
          alarm: 0.05,
        }),
        figure({
          title: 'Halted',
          description:
            'Share of runs that a link stopped. Normal for filters; a jump means that a link no longer returns anything.',
          unit: 'percentunit',
          queries: [[share(perSecond(HALTED), perSecond(ALL)), 'halted']],
        }),
        figure({
          title: 'Unknown',
          description:
            'Share of runs of which nobody can know how they ended: a worker was killed, or not enough is heard of the server.',
          unit: 'percentunit',
          queries: [[share(perSecond(UNKNOWN), perSecond(ALL)), 'unknown']],
          warn: 0.001,
          alarm: 0.01,
        }),
        figure({
          title: 'p95',
          description: 'Duration that 95 % of runs stay below.',
          unit: 's',
          queries: [[quantile(0.95, DURATION, [OF_JOB, OF_CHAIN], []), 'p95']],
        }),
        figure({
          title: 'In flight',
          description: 'Runs that are under way. If it grows while none end, a chain is stuck.',
          unit: 'short',
          queries: [[`sum (${series('vcon_chain_active', OF_JOB, OF_CHAIN)})`, 'in flight']],
        }),
        figure({
          title: 'Failed in an hour',
          description: 'Runs that ended in an error in the last hour.',
          unit: 'short',
          queries: [[`${inLastHour(FAILED)} or vector(0)`, 'failed']],
          warn: 1,
          alarm: 100,
        }),
      ],
    },
    {
      title: 'By chain',
      panels: [
        chart({
          title: 'Runs by chain',
          description: 'Runs that ended, per second.',
          unit: 'reqps',
          queries: [[perSecond(ALL, NAME), '{{vcon_chain_name}}']],
          links: CHAIN_LINKS,
        }),
        chart({
          title: 'Outcomes',
          description: 'Runs that ended, per second, by outcome.',
          unit: 'reqps',
          queries: [[perSecond(ALL, ['vcon_chain_outcome']), '{{vcon_chain_outcome}}']],
          stacked: true,
        }),
        chart({
          title: 'Errors by chain and type',
          description: 'Runs that failed, per second, by the class or code of the error.',
          unit: 'reqps',
          queries: [[perSecond(FAILED, [...NAME, 'error_type']), '{{vcon_chain_name}} · {{error_type}}']],
          links: CHAIN_LINKS,
          empty: 'No run has failed',
        }),
        chart({
          title: 'Halts by chain',
          description: 'Share of runs that a link stopped.',
          unit: 'percentunit',
          queries: [[share(perSecond(HALTED, NAME), perSecond(ALL, NAME)), '{{vcon_chain_name}}']],
          links: CHAIN_LINKS,
        }),
        chart({
          title: 'Duration by chain (p95)',
          description: 'Duration that 95 % of a chain’s runs stay below.',
          unit: 's',
          queries: [[quantile(0.95, DURATION, [OF_JOB, OF_CHAIN], NAME), '{{vcon_chain_name}}']],
          links: CHAIN_LINKS,
        }),
        chart({
          title: 'Duration by chain, with traces',
          description:
            'Median and p95 of chain spans, from the metrics that the Collector makes before it samples: the dots (exemplars) lead to traces.',
          unit: 's',
          queries: [
            [
              quantile(
                0.5,
                'traces_span_metrics_duration_seconds',
                ['span_name=~"vcon_processing[.].*"', OF_CHAIN],
                NAME,
              ),
              '{{vcon_chain_name}} p50',
            ],
            [
              quantile(
                0.95,
                'traces_span_metrics_duration_seconds',
                ['span_name=~"vcon_processing[.].*"', OF_CHAIN],
                NAME,
              ),
              '{{vcon_chain_name}} p95',
            ],
          ],
          empty: 'No spans come through the Collector',
        }),
        chart({
          title: 'In flight by chain',
          description:
            'Runs that are under way. A line that stays up while none end is a chain that is stuck.',
          unit: 'short',
          queries: [
            [
              `sum by (vcon_chain_name) (${series('vcon_chain_active', OF_JOB, OF_CHAIN)})`,
              '{{vcon_chain_name}}',
            ],
          ],
        }),
      ],
    },
    {
      title: 'As the Python conserver counts them',
      panels: [
        chart({
          title: 'vCons processed',
          description: 'By all workers, per second.',
          unit: 'reqps',
          queries: [
            [
              perSecond(series('conserver_main_loop_count_vcons_processed_total', PYTHON), ['chain_name']),
              '{{chain_name}}',
            ],
          ],
          empty: NO_PYTHON,
        }),
        chart({
          title: 'vCons received',
          description:
            'Taken off ingress lists by all workers, per second. If more are received than processed, chains fail, or vCons are skipped.',
          unit: 'reqps',
          queries: [
            [
              perSecond('conserver_main_loop_count_vcons_received_total', ['ingress_list']),
              '{{ingress_list}}',
            ],
          ],
          empty: NO_PYTHON,
        }),
        chart({
          title: 'In flight',
          description:
            'vCons that workers have in hand. Flat at workers × concurrency: chains are slow or stuck.',
          unit: 'short',
          queries: [
            [`sum by (chain_name) (${series('conserver_vcons_inflight', PYTHON)})`, '{{chain_name}}'],
          ],
          empty: NO_PYTHON,
        }),
        chart({
          title: 'Mean duration',
          description:
            'Per chain. A mean, because the server’s buckets are made for milliseconds and its values are seconds.',
          unit: 's',
          queries: [
            [mean('conserver_main_loop_vcon_processing_time', [PYTHON], ['chain_name']), '{{chain_name}}'],
          ],
          empty: NO_PYTHON,
        }),
      ],
    },
  ],
});
