import type { TracingStats } from '../service.ts';

/** Seconds after which what a tracer has still to hear is late. */
const LATE = 60;

/** What somebody should look at, in sentences: a journal that cannot be written, a tracer that does not hear. */
export function troubles({ journal, tracers }: Pick<TracingStats, 'journal' | 'tracers'>): string[] {
  return [
    ...(journal.failing ? ['the journal cannot be written'] : []),
    ...(journal.full ? ['the journal is full: whoever feeds it is to wait'] : []),
    ...Object.entries(tracers).flatMap(([name, { circuit, pending, oldestAge, deadLetters, retrying }]) => [
      ...(circuit === 'closed'
        ? []
        : [`tracer ${name}: its calls fail, circuit ${circuit.replace('_', ' ')}`]),
      ...(oldestAge > LATE
        ? [`tracer ${name} is behind: ${pending} events, the oldest ${Math.round(oldestAge)} s old`]
        : []),
      ...(retrying > 0 ? [`tracer ${name}: ${retrying} runs wait for another try`] : []),
      ...(deadLetters > 0 ? [`tracer ${name}: ${deadLetters} dead letters (vcon-otel queue dead)`] : []),
    ]),
  ];
}
