import { board } from './board.ts';
import { CHAIN, JOB, LINK, OF_CHAIN, OF_JOB, OF_LINK } from './choices.ts';
import { tracesOf } from './explore.ts';
import { chart, figure, ranking } from './panel.ts';
import { mean, perSecond, quantile, series, share } from './query.ts';

const DURATION = 'vcon_link_duration_seconds';
const OURS = [OF_JOB, OF_CHAIN, OF_LINK];
const of = (...more: string[]) => series(`${DURATION}_count`, ...OURS, ...more);
const ALL = of();
const FAILED = of('vcon_link_outcome="error"');
const HALTED = of('vcon_link_outcome="halt"');
const NAME = ['vcon_link_name'];
const LINK_LINKS = tracesOf('vcon.link.name', 'vcon_link_name');
const TIME = perSecond(series(`${DURATION}_sum`, ...OURS), NAME);
const NO_PYTHON = 'No metrics of a Python conserver';

/** Which links fail, halt, or take the most time. */
export const links = board({
  uid: 'vcon-links',
  title: 'vCon links',
  description: 'Which links fail, halt, or take the most time.',
  choices: [JOB, CHAIN, LINK],
  rows: [
    {
      title: 'Is anything wrong?',
      panels: [
        figure({
          title: 'Links run',
          description: 'Links that ended, per second.',
          unit: 'reqps',
          queries: [[perSecond(ALL), 'links']],
          width: 6,
        }),
        figure({
          title: 'Failed',
          description: 'Share of links that ended in an error. Each sends its vCon to the dead letters.',
          unit: 'percentunit',
          queries: [[share(perSecond(FAILED), perSecond(ALL)), 'failed']],
          warn: 0.01,
          alarm: 0.05,
          width: 6,
        }),
        figure({
          title: 'Halts',
          description: 'Share of links that stopped their chain.',
          unit: 'percentunit',
          queries: [[share(perSecond(HALTED), perSecond(ALL)), 'halted']],
          width: 6,
        }),
        figure({
          title: 'p95',
          description: 'Duration that 95 % of links stay below.',
          unit: 's',
          queries: [[quantile(0.95, DURATION, OURS, []), 'p95']],
          width: 6,
        }),
      ],
    },
    {
      title: 'By link',
      panels: [
        ranking({
          title: 'Slowest (p95)',
          description: 'The ten links that take longest.',
          unit: 's',
          queries: [[`topk(10, ${quantile(0.95, DURATION, OURS, NAME)})`, '{{vcon_link_name}}']],
          links: LINK_LINKS,
        }),
        ranking({
          title: 'Share of time',
          description: 'Share of the time that all links take: where making one faster helps.',
          unit: 'percentunit',
          queries: [[`${TIME} / on () group_left () (sum (${TIME}) > 0)`, '{{vcon_link_name}}']],
          links: LINK_LINKS,
        }),
        chart({
          title: 'Rate',
          description: 'Links that ended, per second.',
          unit: 'reqps',
          queries: [[perSecond(ALL, NAME), '{{vcon_link_name}}']],
          links: LINK_LINKS,
        }),
        chart({
          title: 'Errors',
          description: 'Share of a link’s calls that ended in an error.',
          unit: 'percentunit',
          queries: [[share(perSecond(FAILED, NAME), perSecond(ALL, NAME)), '{{vcon_link_name}}']],
          links: LINK_LINKS,
        }),
        chart({
          title: 'Errors by type',
          description: 'Links that failed, per second, by the class or code of the error.',
          unit: 'reqps',
          queries: [[perSecond(FAILED, [...NAME, 'error_type']), '{{vcon_link_name}} · {{error_type}}']],
          links: LINK_LINKS,
          empty: 'No link has failed',
        }),
        chart({
          title: 'Halts',
          description: 'Share of a link’s calls that stopped their chain.',
          unit: 'percentunit',
          queries: [[share(perSecond(HALTED, NAME), perSecond(ALL, NAME)), '{{vcon_link_name}}']],
          links: LINK_LINKS,
        }),
        chart({
          title: 'Duration (p95)',
          description: 'Duration that 95 % of a link’s calls stay below.',
          unit: 's',
          queries: [[quantile(0.95, DURATION, OURS, NAME), '{{vcon_link_name}}']],
          links: LINK_LINKS,
        }),
        chart({
          title: 'Duration, with traces',
          description:
            'p95 of link spans, from the metrics that the Collector makes before it samples: the dots (exemplars) lead to traces.',
          unit: 's',
          queries: [
            [
              quantile(
                0.95,
                'traces_span_metrics_duration_seconds',
                ['span_name=~"link[.].*"', OF_CHAIN, OF_LINK],
                NAME,
              ),
              '{{vcon_link_name}}',
            ],
          ],
          empty: 'No spans come through the Collector',
        }),
      ],
    },
    {
      title: 'As the Python conserver counts them',
      panels: [
        chart({
          title: 'Outcomes',
          description: 'Links of all workers that ended, per second, by outcome.',
          unit: 'reqps',
          queries: [
            [
              perSecond('conserver_link_count_total', ['link_name', 'outcome']),
              '{{link_name}} · {{outcome}}',
            ],
          ],
          empty: NO_PYTHON,
        }),
        chart({
          title: 'Mean duration',
          description:
            'Per link. A mean, because the server’s buckets are made for milliseconds and its values are seconds.',
          unit: 's',
          queries: [
            [mean('conserver_link_execution_time', ['chain_name=~"$chain"'], ['link_name']), '{{link_name}}'],
          ],
          empty: NO_PYTHON,
        }),
      ],
    },
  ],
});
