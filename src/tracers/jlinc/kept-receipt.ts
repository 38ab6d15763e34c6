import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readLines } from '../../persistence/read-lines.ts';
import { JlincError } from './failure.ts';
import { Receipt, verifySignatures } from './receipt.ts';

const Entity = z.object({ shortName: z.string(), did: z.string(), keys: z.array(z.string()).readonly() });

/** A stored receipt: one JSON line (docs/tracers/jlinc.md). */
export const KeptReceipt = Receipt.extend({
  v: z.literal(1),
  record_id: z.string(),
  tracer: z.string(),
  event_id: z.string(),
  trace_id: z.string(),
  chain: z.string(),
  link_index: z.int(),
  in_vcon_uuid: z.string(),
  out_vcon_uuid: z.string(),
  /** When it was written. */
  kept: z.iso.datetime(),
  /** As they were when the event was made, with the keys that check the signatures. */
  sender: Entity,
  recipient: Entity,
});
export type KeptReceipt = z.output<typeof KeptReceipt>;

/** A line of the files in which receipts are stored. */
export interface KeptLine {
  readonly file: string;
  /** The first is 1. */
  readonly line: number;
  /** Undefined if the line is not a receipt. */
  readonly receipt: KeptReceipt | undefined;
  /** SHA-256 of the line, in hex. */
  readonly hash: string;
  /** What is wrong; undefined if nothing is. */
  readonly fault: string | undefined;
  /** Whether a crash left the line unfinished: it does not end as JSON does. */
  readonly unfinished: boolean;
}

/** The keys of an entity, by its DID; undefined if there are none. */
export type PinnedKeys = (did: string) => readonly string[] | undefined;

/**
 * Reads the receipts in a tracer's `directory`, oldest first, and verifies the signatures of each.
 * @param pinned where the keys of entities are kept, rather than in the lines themselves
 */
export async function* readReceipts(directory: string, pinned?: PinnedKeys): AsyncGenerator<KeptLine> {
  const files = (await readdir(directory)).filter((name) => RECEIPT_FILE.test(name)).sort();
  for (const file of files) {
    let line = 0;
    for (const { text } of readLines(join(directory, file), { longest: LONGEST_LINE })) {
      line += 1;
      if (text.length === 0) continue;
      const hash = createHash('sha256').update(text).digest('hex');
      yield { file, line, hash, ...(await checked(text.toString(), pinned)) };
    }
  }
}

/** Bytes; what JLINC answers is not read beyond 4 MiB. */
const LONGEST_LINE = 16 * 1_024 * 1_024;
/** How files of receipts are called. */
export const RECEIPT_FILE = /^receipts-\d{4}-\d{2}-\d{2}\.jsonl$/;

async function checked(
  text: string,
  pinned: PinnedKeys | undefined,
): Promise<Pick<KeptLine, 'receipt' | 'fault' | 'unfinished'>> {
  const value = parsed(text);
  if (value === undefined) return { receipt: undefined, fault: 'the line is not finished', unfinished: true };
  const { data: receipt } = KeptReceipt.safeParse(value);
  if (!receipt) return { receipt, fault: 'it is not a receipt', unfinished: false };
  try {
    const [sender, recipient] = [receipt.sender, receipt.recipient].map((entity) =>
      pinned ? { ...entity, keys: pinned(entity.did) ?? [] } : entity,
    );
    if (sender && recipient) await verifySignatures(receipt, sender, recipient);
    return { receipt, fault: undefined, unfinished: false };
  } catch (error) {
    if (!(error instanceof JlincError)) throw error;
    return { receipt, fault: error.message, unfinished: false };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
