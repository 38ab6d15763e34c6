import { keptSpans } from '../../exporters/span-log/kept-spans.ts';
import type { JournalPlace } from '../arguments.ts';
import { formatDuration, print, renderTable, safeJson } from '../timeline/index.ts';
import { chosenTracers } from './chosen-tracers.ts';
import type { QueueSettings } from './queue-settings.ts';

/** Whose queues are counted, and how that is printed. */
export interface StatsOptions extends JournalPlace {
  readonly json?: true;
  readonly tracer?: string;
}

/** Prints how far each tracer is, and each exporter. */
export async function stats(options: StatsOptions, settings: QueueSettings): Promise<void> {
  const { stdout } = settings;
  await settings.withJournal(options, async (journal) => {
    const names = chosenTracers(await journal.tracers(), options.tracer);
    const found = await Promise.all(names.map((name) => journal.stats(name)));
    const spans = options.tracer === undefined ? await keptSpans(journal.beside) : [];
    const now = Date.now();
    const age = (oldest: number | undefined) =>
      oldest === undefined ? undefined : Math.max(0, now - oldest) / 1e3;
    if (options.json) {
      const tracers = found.map(({ oldest, deadLetters, ...counts }) => ({
        ...counts,
        dead_letters: deadLetters,
        oldest_age: age(oldest) ?? null,
      }));
      const exporters = spans.map(({ exporter, spans: count, oldest, size }) => ({
        exporter,
        spans: count,
        oldest_age: age(oldest) ?? null,
        size,
      }));
      await print(stdout, [`${safeJson({ tracers, ...(options.tracer === undefined && { exporters }) })}\n`]);
      return;
    }
    if (found.length === 0) await print(stdout, ['No tracer has a place in this journal yet.\n']);
    const rows = found.map((of) => {
      const seconds = age(of.oldest);
      return [
        of.tracer,
        of.depth,
        of.retrying,
        of.attempts,
        of.queued,
        of.deadLetters,
        of.ok,
        of.skipped,
        of.dropped,
        seconds === undefined ? '–' : formatDuration(seconds),
        of.position,
      ];
    });
    const exporters = spans.map(({ exporter, spans: count, oldest, size }) => {
      const seconds = age(oldest);
      return [
        exporter,
        count,
        seconds === undefined ? '–' : formatDuration(seconds),
        `${(size / 2 ** 20).toFixed(1)} MiB`,
      ];
    });
    return print(stdout, [
      ...(rows.length > 0 ? [renderTable(STATS_HEAD, rows)] : []),
      ...(exporters.length > 0 ? [`\n${renderTable(EXPORTERS_HEAD, exporters)}`] : []),
    ]);
  });
}

const EXPORTERS_HEAD = ['exporter', 'spans to send', 'oldest', 'on the disk'];
const STATS_HEAD = [
  'tracer',
  'to hear',
  'retrying',
  'attempts',
  'queued',
  'dead letters',
  'delivered',
  'skipped',
  'dropped',
  'oldest',
  'position',
];
