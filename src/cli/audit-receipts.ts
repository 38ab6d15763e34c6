import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import type { RecordedReceipts } from '../ledger/index.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { parseUuid } from './arguments.ts';
import { cleanText, print, safeJson } from './timeline/index.ts';

/** What the command needs of the process it runs in. */
export interface AuditReceiptsSettings {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Sets the exit code of the process. */
  readonly exit: (code: number) => void;
}

interface ReceiptsOptions {
  readonly vcon?: string;
  readonly json?: true;
  readonly ledger?: string;
  readonly key?: string;
  readonly tracer: string;
}

/** Exit codes, the same as of `audit verify`. */
const EXIT = { intact: 0, tampered: 1, torn: 2, unusable: 3 } as const;

/** What was found. */
interface Count {
  receipts: number;
  refused: number;
  torn: number;
  /** Kept before the ledger recorded receipts, and left once more by a crash. */
  unrecorded: number;
  /** Recorded in the ledger, and not here. */
  missing: number;
  /** The same, but older than the oldest file. */
  older: number;
  /** The same, but erased with their vCon, as the ledger says. */
  erased: number;
}

/**
 * `vcon-otel audit receipts`: lists the receipts that a jlinc tracer has stored and verifies them again, without JLINC; with
 * `--ledger`, also that they are those that the ledger has recorded, checked with the keys that it says.
 * Exit codes: 0 all verify, 1 one does not, or is missing, 2 only a line that a crash left unfinished, 3 wrong usage, no such
 * files, a ledger that is not intact, or a reader that went away.
 */
export function auditReceiptsCommand({ stdout, stderr, exit }: AuditReceiptsSettings): Command {
  return new Command('receipts')
    .description('list and verify the receipts that a jlinc tracer has stored')
    .argument('<directory>', 'the directory of the tracer')
    .option('--vcon <uuid>', 'only of this vCon', parseUuid)
    .option('--ledger <directory>', 'compare them with what this ledger has recorded')
    .option('--key <vkey>', "the ledger's verifier key, or a file that holds it", textOf)
    .option('--tracer <name>', 'the name of the tracer in the ledger', 'jlinc')
    .option('--json', 'print one JSON line for each')
    .action(async (directory: string, options: ReceiptsOptions) => {
      try {
        exit(await list(directory, options, stdout));
      } catch (error) {
        const text =
          error instanceof VconOtelError
            ? error.message
            : `the receipts cannot be read (${errorType(error)})`;
        stderr.write(`vcon-otel: ${text}\n`);
        exit(EXIT.unusable);
      }
    });
}

async function list(directory: string, options: ReceiptsOptions, stdout: NodeJS.WritableStream) {
  const count: Count = { receipts: 0, refused: 0, torn: 0, unrecorded: 0, missing: 0, older: 0, erased: 0 };
  const recorded = options.ledger === undefined ? undefined : await recordedIn(options.ledger, options);
  // Who went away has not heard of what comes after, and nor have we.
  if (!(await print(stdout, linesOf(directory, options, count, recorded)))) return EXIT.unusable;
  if (count.refused + count.missing > 0) return EXIT.tampered;
  return count.torn > 0 ? EXIT.torn : EXIT.intact;
}

/** @throws VconOtelError where the ledger is not intact */
async function recordedIn(ledger: string, { key, tracer }: ReceiptsOptions): Promise<RecordedReceipts> {
  const { keysInForce, parseVerifierKey, recordedReceipts, rotationsIn, verdictLines, verifierBeside } =
    await import('../ledger/index.ts');
  const verifiers =
    key === undefined
      ? verifierBeside(ledger)
      : keysInForce([parseVerifierKey(key.trim())], rotationsIn(ledger));
  const recorded = recordedReceipts(ledger, verifiers, new Set([tracer]));
  if (recorded.verdict.verdict === 'intact' || recorded.verdict.verdict === 'torn') return recorded;
  const [head = ''] = verdictLines(recorded.verdict, ledger);
  throw new VconOtelError('LEDGER_DAMAGED', `nothing can be compared with this ledger: ${cleanText(head)}`);
}

/** @param count is counted up */
async function* linesOf(
  directory: string,
  { vcon, json }: ReceiptsOptions,
  count: Count,
  recorded: RecordedReceipts | undefined,
): AsyncIterable<string> {
  const { readReceipts } = await import('../tracers/jlinc/kept-receipt.ts');
  const missing = new Map(recorded?.receipts);
  let oldest: string | undefined;
  for await (const kept of readReceipts(directory, recorded && ((did) => recorded.keys.get(did)))) {
    const { file, line, receipt, unfinished } = kept;
    oldest ??= file.slice('receipts-'.length, -'.jsonl'.length);
    const isRecorded = missing.delete(kept.hash);
    const uuids = [receipt?.in_vcon_uuid, receipt?.out_vcon_uuid];
    if (vcon !== undefined && receipt && !uuids.includes(vcon)) continue;
    const unexplained = recorded && receipt && !isRecorded && !explained(receipt, recorded);
    const fault = kept.fault ?? (unexplained ? 'the ledger has no record of it' : undefined);
    if (recorded && receipt && !isRecorded && !unexplained) count.unrecorded += 1;
    if (unfinished) count.torn += 1;
    else count.receipts += 1;
    if (fault !== undefined && !unfinished) count.refused += 1;
    if (json) yield `${safeJson({ file, line, fault: fault ?? null, receipt: receipt ?? null })}\n`;
    else {
      const { record_id, kept, chain, link_index, sender, recipient } = receipt ?? {};
      const route = `${sender?.shortName} → ${recipient?.shortName}`;
      const place = `${file}:${line}`;
      const told = receipt ? `${record_id}  ${kept}  ${chain} ${link_index}  ${route}` : place;
      yield `${fault === undefined ? '✓' : '✗'} ${cleanText(told)}${fault ? `  ${place}: ${fault}` : ''}\n`;
    }
  }
  for (const [hash, { day, vcon: of }] of missing) {
    if (vcon !== undefined && of !== vcon) continue;
    if (recorded?.erased.has(hash)) count.erased += 1;
    else count[oldest !== undefined && day < oldest ? 'older' : 'missing'] += 1;
  }
  const { receipts, refused, torn } = count;
  if (json) return;
  yield `${receipts} receipts, ${refused} refused, ${torn} unfinished lines\n`;
  if (recorded) yield* compared(count);
}

/** Whether a receipt can be there without a record: it is older than the first, or a crash came before its record, and it was kept again. */
function explained(
  receipt: { readonly record_id: string; readonly kept: string },
  { ids, since }: RecordedReceipts,
): boolean {
  return ids.has(receipt.record_id) || since === undefined || receipt.kept < since;
}

function* compared({ missing, older, unrecorded, erased }: Count): Generator<string> {
  if (missing > 0) yield `✗ ${missing} receipts that the ledger has recorded are not here as they were\n`;
  if (older > 0) yield `  ${older} that it has recorded are older than the oldest file here\n`;
  if (erased > 0)
    yield `  ${erased} that it has recorded were erased with their vCon, as it has recorded, too\n`;
  if (unrecorded > 0)
    yield `  ${unrecorded} are older than its first record of a receipt, or were kept a second time after a crash: it does not prove them\n`;
}

/** A key as given, or the text of the file that holds it. @throws InvalidArgumentError */
function textOf(given: string): string {
  if (given.includes('+')) return given;
  try {
    return readFileSync(given, 'utf8');
  } catch (error) {
    throw new InvalidArgumentError(`It cannot be read (${errorType(error)}).`);
  }
}
