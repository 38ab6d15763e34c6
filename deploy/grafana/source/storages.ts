import { board } from './board.ts';
import { CHAIN, JOB, OF_CHAIN, OF_JOB } from './choices.ts';
import { tracesOf } from './explore.ts';
import { chart, figure } from './panel.ts';
import { mean, perSecond, quantile, series, share } from './query.ts';

const DURATION = 'vcon_storage_duration_seconds';
const OURS = [OF_JOB, OF_CHAIN];
const of = (...more: string[]) => series(`${DURATION}_count`, ...OURS, ...more);
const ALL = of();
const FAILED = of('vcon_storage_outcome="error"');
const NAME = ['vcon_storage_name'];
const STORAGE_LINKS = tracesOf('vcon.storage.name', 'vcon_storage_name');
const NO_PYTHON = 'No metrics of a Python conserver';

/** Whether what the chains produced was stored. */
export const storages = board({
  uid: 'vcon-storages',
  title: 'vCon storages',
  description:
    'Whether what the chains produced was stored. A storage that fails does not fail its chain, so you see it here or nowhere.',
  choices: [JOB, CHAIN],
  rows: [
    {
      title: 'Is anything wrong?',
      panels: [
        figure({
          title: 'Writes',
          description: 'Writes that ended, per second.',
          unit: 'wps',
          queries: [[perSecond(ALL), 'writes']],
          width: 8,
        }),
        figure({
          title: 'Failed',
          description: 'Share of writes that failed: these vCons are not where they should be.',
          unit: 'percentunit',
          queries: [[share(perSecond(FAILED), perSecond(ALL)), 'failed']],
          warn: 0.001,
          alarm: 0.01,
          width: 8,
        }),
        figure({
          title: 'p95',
          description: 'Duration that 95 % of writes stay below.',
          unit: 's',
          queries: [[quantile(0.95, DURATION, OURS, []), 'p95']],
          width: 8,
        }),
      ],
    },
    {
      title: 'By storage',
      panels: [
        chart({
          title: 'Writes',
          description: 'Writes that ended, per second.',
          unit: 'wps',
          queries: [[perSecond(ALL, NAME), '{{vcon_storage_name}}']],
          links: STORAGE_LINKS,
        }),
        chart({
          title: 'Errors',
          description: 'Share of a storage’s writes that failed.',
          unit: 'percentunit',
          queries: [[share(perSecond(FAILED, NAME), perSecond(ALL, NAME)), '{{vcon_storage_name}}']],
          links: STORAGE_LINKS,
        }),
        chart({
          title: 'Errors by type',
          description: 'Writes that failed, per second, by the class or code of the error.',
          unit: 'wps',
          queries: [[perSecond(FAILED, [...NAME, 'error_type']), '{{vcon_storage_name}} · {{error_type}}']],
          links: STORAGE_LINKS,
          empty: 'No write has failed',
        }),
        chart({
          title: 'Duration (p95)',
          description: 'Duration that 95 % of a storage’s writes stay below.',
          unit: 's',
          queries: [[quantile(0.95, DURATION, OURS, NAME), '{{vcon_storage_name}}']],
          links: STORAGE_LINKS,
        }),
      ],
    },
    {
      title: 'As the Python conserver counts them',
      panels: [
        chart({
          title: 'Outcomes',
          description:
            'Writes of all workers, per second, by outcome. With newer servers, a failed one is in DLQ:storage:NAME.',
          unit: 'wps',
          queries: [
            [perSecond('conserver_storage_count_total', ['backend', 'outcome']), '{{backend}} · {{outcome}}'],
          ],
          empty: NO_PYTHON,
        }),
        chart({
          title: 'Mean duration',
          description: 'Per write.',
          unit: 'ms',
          queries: [[mean('conserver_storage_duration_ms', [], ['backend']), '{{backend}}']],
          empty: NO_PYTHON,
        }),
      ],
    },
  ],
});
