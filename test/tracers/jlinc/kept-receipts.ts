import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The receipts that a tracer has kept in a directory, in order. */
export function keptReceipts(directory: string): Record<string, unknown>[] {
  return readdirSync(directory)
    .filter((name) => /^receipts-\d{4}-\d\d-\d\d\.jsonl$/.test(name))
    .sort()
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
