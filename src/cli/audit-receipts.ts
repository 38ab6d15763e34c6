import { Command } from 'commander';
import { errorType } from '../model/error.ts';
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
}

/** Exit codes, the same as of `audit verify`. */
const EXIT = { intact: 0, tampered: 1, torn: 2, unusable: 3 } as const;

/**
 * `vcon-otel audit receipts`: lists the receipts that a jlinc tracer has stored and verifies them again, without JLINC.
 * Exit codes: 0 all verify, 1 one does not, 2 only a line that a crash left unfinished, 3 wrong usage, no such files,
 * or a reader that went away.
 */
export function auditReceiptsCommand({ stdout, stderr, exit }: AuditReceiptsSettings): Command {
  return new Command('receipts')
    .description('list and verify the receipts that a jlinc tracer has stored')
    .argument('<directory>', 'the directory of the tracer')
    .option('--vcon <uuid>', 'only of this vCon', parseUuid)
    .option('--json', 'print one JSON line for each')
    .action(async (directory: string, options: ReceiptsOptions) => {
      try {
        exit(await list(directory, options, stdout));
      } catch (error) {
        stderr.write(`vcon-otel: the receipts cannot be read (${errorType(error)})\n`);
        exit(EXIT.unusable);
      }
    });
}

async function list(directory: string, options: ReceiptsOptions, stdout: NodeJS.WritableStream) {
  const count = { receipts: 0, refused: 0, torn: 0 };
  // Who went away has not heard of what comes after, and nor have we.
  if (!(await print(stdout, linesOf(directory, options, count)))) return EXIT.unusable;
  if (count.refused > 0) return EXIT.tampered;
  return count.torn > 0 ? EXIT.torn : EXIT.intact;
}

/** @param count is counted up */
async function* linesOf(
  directory: string,
  { vcon, json }: ReceiptsOptions,
  count: { receipts: number; refused: number; torn: number },
): AsyncIterable<string> {
  const { readReceipts } = await import('../tracers/jlinc/kept-receipt.ts');
  for await (const { file, line, receipt, fault, unfinished } of readReceipts(directory)) {
    const uuids = [receipt?.in_vcon_uuid, receipt?.out_vcon_uuid];
    if (vcon !== undefined && receipt && !uuids.includes(vcon)) continue;
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
  const { receipts, refused, torn } = count;
  if (!json) yield `${receipts} receipts, ${refused} refused, ${torn} unfinished lines\n`;
}
