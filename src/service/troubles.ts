import type { TracingStats } from './tracing.ts';

/** Seconds after which what a tracer has still to hear is late. */
const LATE = 60;
/** Seconds for which the end of a tracer's thread is told of after it has started again. */
const RECENT = 600;

/** What somebody should look at, in sentences: a journal that cannot be written, a tracer that does not hear. */
export function troubles({
  journal,
  tracers,
  threads,
  ledgerTroubles,
  receivers,
  issues,
}: Pick<
  TracingStats,
  'issues' | 'ledgerTroubles' | 'journal' | 'tracers' | 'threads' | 'receivers'
>): string[] {
  return [
    ...(journal.failing ? ['the journal cannot be written'] : []),
    ...(journal.full ? ['the journal is full: its sources have to wait'] : []),
    ...(issues.journal_went_back ? ['the journal lacks what it had kept before this start'] : []),
    ...ledgerTroubles,
    ...(receivers?.troubles ?? []),
    ...Object.entries(threads).flatMap(([name, { isUp, ends, lastEnd }]) =>
      lastEnd && (!isUp || lastEnd.ago < RECENT)
        ? [
            `tracer ${name}: its thread has ended ${ends === 1 ? '' : `${ends} times, at last `}by itself: ${lastEnd.reason}`,
          ]
        : [],
    ),
    ...Object.entries(tracers).flatMap(([name, { circuit, pending, oldestAge, deadLetters, retrying }]) => [
      ...(circuit === 'closed'
        ? []
        : [`tracer ${name}: its calls fail, circuit ${circuit.replace('_', ' ')}`]),
      ...(oldestAge > LATE
        ? [`tracer ${name} is behind: ${pending} events, the oldest ${Math.round(oldestAge)} s old`]
        : []),
      ...(retrying > 0 ? [`tracer ${name}: ${retrying} runs wait for another attempt`] : []),
      ...(deadLetters > 0 ? [`tracer ${name}: ${deadLetters} dead letters (vcon-otel queue dead)`] : []),
    ]),
  ];
}
