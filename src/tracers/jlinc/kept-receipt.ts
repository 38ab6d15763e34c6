import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { JlincError } from './failure.ts';
import { Receipt, verifySignatures } from './receipt.ts';

const Entity = z.object({ shortName: z.string(), did: z.string(), keys: z.array(z.string()).readonly() });

/** A receipt as it is kept: one JSON line (docs/tracers/jlinc.md). */
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
  /** As they were when the event was made: the keys that the signatures are checked with. */
  sender: Entity,
  recipient: Entity,
});
export type KeptReceipt = z.output<typeof KeptReceipt>;

/** A line of the files in which receipts are kept. */
export interface KeptLine {
  readonly file: string;
  /** The first is 1. */
  readonly line: number;
  /** Undefined where the line is none. */
  readonly receipt: KeptReceipt | undefined;
  /** What does not fit; undefined where everything does. */
  readonly fault: string | undefined;
  /** Whether it is what a crash left of a line: it does not end as JSON does. */
  readonly unfinished: boolean;
}

/** Reads the receipts in a tracer's `directory` from the oldest on, and verifies the signatures of each. */
export async function* readReceipts(directory: string): AsyncGenerator<KeptLine> {
  const files = (await readdir(directory)).filter((name) => FILE_NAME.test(name)).sort();
  for (const file of files) {
    const input = createReadStream(join(directory, file));
    let line = 0;
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      line += 1;
      if (text !== '') yield { file, line, ...(await checked(text)) };
    }
  }
}

const FILE_NAME = /^receipts-\d{4}-\d{2}-\d{2}\.jsonl$/;

async function checked(text: string): Promise<Pick<KeptLine, 'receipt' | 'fault' | 'unfinished'>> {
  const value = parsed(text);
  if (value === undefined) return { receipt: undefined, fault: 'the line is not finished', unfinished: true };
  const { data: receipt } = KeptReceipt.safeParse(value);
  if (!receipt) return { receipt, fault: 'it is no receipt', unfinished: false };
  try {
    await verifySignatures(receipt, receipt.sender, receipt.recipient);
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
