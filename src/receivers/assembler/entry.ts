import { z } from 'zod';
import type { ForwardedRecord } from '../forwarded-record.ts';
import type { ReceivedSpan } from '../received-span.ts';
import type { ClosedRun } from './closed-runs.ts';
import type { WorkerBody } from './workers.ts';

/** What the assembler keeps in the inbox. */
export type Entry =
  | { readonly kind: 'spans'; readonly spans: readonly ReceivedSpan[] }
  /** `run` is what its run was called by when it came: what was told by that name must not be told by another. */
  | { readonly kind: 'record'; readonly record: ForwardedRecord; readonly run?: string }
  | { readonly kind: 'closed'; readonly run: ClosedRun }
  | { readonly kind: 'worker'; readonly worker: WorkerBody };

/** How an entry is written. */
export function encodeEntry(entry: Entry): string {
  return JSON.stringify(entry, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

/**
 * The inverse of {@link encodeEntry}.
 * @returns undefined for one of another version of this package
 */
export function decodeEntry(body: string): Entry | undefined {
  try {
    const entry = JSON.parse(body) as Entry;
    if (!KINDS.safeParse(entry).success) return undefined;
    if (entry.kind !== 'record') return entry;
    return { ...entry, record: { ...entry.record, time: BigInt(entry.record.time) } };
  } catch {
    return undefined;
  }
}

const KINDS = z.looseObject({ kind: z.enum(['spans', 'record', 'closed', 'worker']) });
