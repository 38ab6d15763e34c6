import { board } from './board.ts';
import { JOB, OF_JOB, OF_TRACER, TRACER } from './choices.ts';
import { chart, figure } from './panel.ts';
import { inLastHour, mean, perSecond, quantile, series, share } from './query.ts';

const DELIVERIES = (...more: string[]) => series('vcon_tracer_deliveries_total', OF_JOB, OF_TRACER, ...more);
const ours = (metric: string) => series(metric, OF_JOB, OF_TRACER);
const NAME = ['vcon_tracer_name'];
const LOST = DELIVERIES('vcon_outcome=~"dead|dropped"');
const NO_LEDGER = 'No compliance tracer keeps a ledger';

/** Whether everything that happened was heard, and written down. */
export const auditTracers = board({
  uid: 'vcon-audit-tracers',
  title: 'vCon audit tracers',
  description: 'Whether everything that happened was heard, and written down.',
  choices: [JOB, TRACER],
  rows: [
    {
      title: 'Has the audit any gaps?',
      panels: [
        figure({
          title: 'Heard',
          description: 'Events that tracers accepted, per second.',
          unit: 'ops',
          queries: [[perSecond(DELIVERIES('vcon_outcome="ok"')), 'heard']],
        }),
        figure({
          title: 'Lost in an hour',
          description:
            'Events that were given up (dead) or dropped. Dead ones can still be delivered, dropped ones are gone.',
          unit: 'short',
          queries: [[`${inLastHour(LOST)} or vector(0)`, 'lost']],
          warn: 1,
          alarm: 1,
        }),
        figure({
          title: 'Tried again',
          description:
            'Share of attempts that failed and are made again. If it stays high, a tracer’s service has trouble.',
          unit: 'percentunit',
          queries: [
            [share(perSecond(DELIVERIES('vcon_outcome="retried"')), perSecond(DELIVERIES())), 'again'],
          ],
          warn: 0.05,
          alarm: 0.5,
        }),
        figure({
          title: 'Late by',
          description: 'Age of the oldest event that a tracer has yet to hear.',
          unit: 's',
          queries: [[`max (${ours('vcon_journal_oldest_age_seconds')})`, 'age']],
          warn: 60,
          alarm: 900,
        }),
        figure({
          title: 'Left alone',
          description: 'Tracers that have not answered for so long that they are tried only now and then.',
          unit: 'short',
          queries: [[`sum (${ours('vcon_tracer_circuit_open')})`, 'circuits open']],
          warn: 1,
          alarm: 1,
        }),
        figure({
          title: 'Not under a checkpoint',
          description:
            'Records of ledgers that no signed checkpoint covers yet. A thousand, or a minute’s worth, are normal.',
          unit: 'short',
          queries: [
            [`sum (${ours('vcon_ledger_records')} - ${ours('vcon_ledger_checkpoint_records')})`, 'records'],
          ],
          warn: 2_000,
          alarm: 10_000,
          empty: NO_LEDGER,
        }),
      ],
    },
    {
      title: 'Deliveries',
      panels: [
        chart({
          title: 'Deliveries by outcome',
          description:
            'ok: accepted; failed: `run` answered false; retried: made again; dead: given up; dropped: lost; skipped: somebody decided so.',
          unit: 'ops',
          queries: [
            [perSecond(DELIVERIES(), [...NAME, 'vcon_outcome']), '{{vcon_tracer_name}} · {{vcon_outcome}}'],
          ],
        }),
        chart({
          title: 'Attempts that failed',
          description: 'Attempts that are made again and events that ended badly, per second.',
          unit: 'ops',
          queries: [
            [
              perSecond(DELIVERIES('vcon_outcome=~"retried|dead|dropped"'), [...NAME, 'vcon_outcome']),
              '{{vcon_tracer_name}} · {{vcon_outcome}}',
            ],
          ],
        }),
        chart({
          title: 'Late by',
          description: 'Age of the oldest event that a tracer has yet to hear.',
          unit: 's',
          queries: [
            [
              `max by (vcon_tracer_name) (${ours('vcon_journal_oldest_age_seconds')})`,
              '{{vcon_tracer_name}}',
            ],
          ],
        }),
        chart({
          title: 'Events to hear',
          description: 'By tracer.',
          unit: 'short',
          queries: [[`sum by (vcon_tracer_name) (${ours('vcon_journal_depth')})`, '{{vcon_tracer_name}}']],
        }),
        chart({
          title: 'Calls (mean)',
          description:
            'Time that a tracer takes for an event, or for a batch of events that it answers at once.',
          unit: 's',
          queries: [
            [mean('vcon_tracer_duration_seconds', [OF_JOB, OF_TRACER], NAME), '{{vcon_tracer_name}}'],
          ],
        }),
        chart({
          title: 'Calls (p95)',
          description:
            'Time that 95 % of a tracer’s calls stay below. A call is given up after its timeout, 30 s unless configured.',
          unit: 's',
          queries: [
            [
              quantile(0.95, 'vcon_tracer_duration_seconds', [OF_JOB, OF_TRACER], NAME),
              '{{vcon_tracer_name}}',
            ],
          ],
        }),
        chart({
          title: 'Circuits',
          description: '1 while a tracer that does not answer is left alone.',
          unit: 'short',
          queries: [
            [`max by (vcon_tracer_name) (${ours('vcon_tracer_circuit_open')})`, '{{vcon_tracer_name}}'],
          ],
        }),
        chart({
          title: 'Dead letters',
          description: 'Events that were given up and wait for a decision.',
          unit: 'short',
          queries: [
            [`sum by (vcon_tracer_name) (${ours('vcon_journal_dead_letters')})`, '{{vcon_tracer_name}}'],
          ],
        }),
      ],
    },
    {
      title: 'Ledgers',
      panels: [
        chart({
          title: 'Records',
          description: 'In the ledger, and how many of them the newest signed checkpoint covers.',
          unit: 'short',
          queries: [
            [`sum by (vcon_tracer_name) (${ours('vcon_ledger_records')})`, '{{vcon_tracer_name}} records'],
            [
              `sum by (vcon_tracer_name) (${ours('vcon_ledger_checkpoint_records')})`,
              '{{vcon_tracer_name}} under a checkpoint',
            ],
          ],
          empty: NO_LEDGER,
        }),
        chart({
          title: 'Age of the newest checkpoint',
          description:
            'It grows while nothing is recorded. If it grows while records wait for a checkpoint, the key or the disk has trouble.',
          unit: 's',
          queries: [
            [
              `max by (vcon_tracer_name) (${ours('vcon_ledger_checkpoint_age_seconds')})`,
              '{{vcon_tracer_name}}',
            ],
          ],
          empty: NO_LEDGER,
        }),
        chart({
          title: 'Witnessed',
          description:
            'Time since a quorum of witnesses has cosigned a checkpoint. A heartbeat is cosigned every hour, even while nothing is recorded.',
          unit: 's',
          queries: [
            [`max by (vcon_tracer_name) (${ours('vcon_ledger_quorum_age_seconds')})`, '{{vcon_tracer_name}}'],
          ],
          warn: 3_900,
          alarm: 7_200,
          empty: 'No ledger has witnesses',
        }),
        chart({
          title: 'Watched from outside',
          description:
            'Time since a monitor (`vcon-otel audit monitor`) has found nothing wrong with a ledger. More than some rounds mean that it has found something, or cannot look.',
          unit: 's',
          queries: [
            [
              `max by (vcon_ledger_name) (${series('vcon_monitor_verified_age_seconds')})`,
              '{{vcon_ledger_name}}',
            ],
          ],
          warn: 600,
          alarm: 1_800,
          empty: 'No monitor is scraped',
        }),
      ],
    },
  ],
});
