import { Command } from 'commander';
import { errorType } from '../model/error.ts';
import { cleanText, print, safeJson } from '../timeline/index.ts';
import { parseUuid } from './arguments.ts';

/** What the command needs of the process it runs in. */
export interface AuditReceiptsSettings {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Tells with which code the process is to end. */
  readonly exit: (code: number) => void;
}

interface ReceiptsOptions {
  readonly vcon?: string;
  readonly json?: true;
}

/** How it ends: as `audit verify` does. */
const EXIT = { intact: 0, tampered: 1, torn: 2, unusable: 3 } as const;

/**
 * `vcon-otel audit receipts`: lists the receipts that a jlinc tracer has kept and verifies them again, without JLINC.
 * Exit codes: 0 all verify, 1 one does not, 2 only a line that a crash left unfinished, 3 wrong usage or no such files.
 */
export function auditReceiptsCommand({ stdout, stderr, exit }: AuditReceiptsSettings): Command {
  return new Command('receipts')
    .description('list and verify the receipts that a jlinc tracer has kept')
    .argument('<directory>', 'of the tracer')
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

async function list(directory: string, { vcon, json }: ReceiptsOptions, stdout: NodeJS.WritableStream) {
  const { readReceipts } = await import('../tracers/jlinc/kept-receipt.ts');
  let receipts = 0;
  let refused = 0;
  let torn = 0;
  for await (const { file, line, receipt, fault, unfinished } of readReceipts(directory)) {
    const uuids = [receipt?.in_vcon_uuid, receipt?.out_vcon_uuid];
    if (vcon !== undefined && receipt && !uuids.includes(vcon)) continue;
    if (unfinished) torn += 1;
    else receipts += 1;
    if (fault !== undefined && !unfinished) refused += 1;
    const { record_id, kept, chain, link_index, sender, recipient } = receipt ?? {};
    const route = `${sender?.shortName} → ${recipient?.shortName}`;
    const place = `${file}:${line}`;
    const told = receipt ? `${record_id}  ${kept}  ${chain} ${link_index}  ${route}` : place;
    if (json)
      await print(stdout, [`${safeJson({ file, line, fault: fault ?? null, receipt: receipt ?? null })}\n`]);
    else
      await print(stdout, [
        `${fault === undefined ? '✓' : '✗'} ${cleanText(told)}${fault ? `  ${place}: ${fault}` : ''}\n`,
      ]);
  }
  if (!json) await print(stdout, [`${receipts} receipts, ${refused} refused, ${torn} unfinished lines\n`]);
  if (refused > 0) return EXIT.tampered;
  return torn > 0 ? EXIT.torn : EXIT.intact;
}
