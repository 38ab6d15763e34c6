import { createHash } from 'node:crypto';

/** A span id that is always the same for the same words: for what was recorded without one. */
export function spanIdOf(...words: readonly (string | number | bigint)[]): string {
  return digest(words).slice(0, 16);
}

/** As {@link spanIdOf}, for a trace. */
export function traceIdOf(...words: readonly (string | number | bigint)[]): string {
  return digest(words).slice(16, 48);
}

function digest(words: readonly (string | number | bigint)[]): string {
  return createHash('sha256').update(words.join(' ')).digest('hex');
}
