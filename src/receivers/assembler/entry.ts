import { z } from 'zod';
import type { ForwardedRecord } from '../forwarded-record.ts';
import type { ReceivedSpan } from '../received-span.ts';
import type { ClosedRun } from './closed-runs.ts';
import type { OpenRun } from './open-run.ts';
import type { WorkerBody } from './workers.ts';

/** What the assembler keeps in the inbox. */
export type Entry =
  | { readonly kind: 'spans'; readonly run?: RunHead; readonly spans: readonly ReceivedSpan[] }
  | { readonly kind: 'record'; readonly run: RunHead; readonly record: ForwardedRecord }
  | { readonly kind: 'closed'; readonly run: ClosedRun }
  | { readonly kind: 'worker'; readonly worker: WorkerBody };

/** What a run is called, beside its id, which is kept with each entry. */
export interface RunHead {
  readonly root: string | undefined;
  readonly trace: string;
  readonly chain: string | undefined;
}

export function headOf({ rootSpanId: root, traceId: trace, chain }: OpenRun): RunHead {
  return { root, trace, chain };
}

/** How an entry is written. */
export function encodeEntry(entry: Entry): string {
  if (entry.kind !== 'record') return JSON.stringify(entry);
  // Not by a replacer, which is called for every key and takes several times as long.
  return JSON.stringify({ ...entry, record: { ...entry.record, time: String(entry.record.time) } });
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
