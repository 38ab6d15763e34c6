import type { RedisStreamStats } from '../receivers/index.ts';
import type { TracingStats } from '../service.ts';

/** Seconds after which what a tracer has still to hear is late. */
const LATE = 60;

/** What somebody should look at, in sentences: a journal that cannot be written, a tracer that does not hear. */
export function troubles({
  journal,
  tracers,
  receivers,
}: Pick<TracingStats, 'journal' | 'tracers' | 'receivers'>): string[] {
  return [
    ...(journal.failing ? ['the journal cannot be written'] : []),
    ...(journal.full ? ['the journal is full: whoever feeds it is to wait'] : []),
    ...(receivers ? streamTroubles(receivers.redisStream) : []),
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

/** Records in the Redis stream from which on reading is behind. */
const LAGGING = 10_000;

function streamTroubles(stream: RedisStreamStats | undefined): string[] {
  if (!stream) return [];
  const { failure, lag, gaps, waiting } = stream;
  return [
    ...(failure ? [`the Redis stream cannot be read: ${failure.message}`] : []),
    ...(lag > LAGGING ? [`the Redis stream is ahead of us by ${lag} records`] : []),
    ...(gaps > 0 ? [`records were trimmed off the Redis stream before they were read, ${gaps} times`] : []),
    ...(waiting > 0 ? [`${waiting} records cannot be set aside in Redis`] : []),
  ];
}
