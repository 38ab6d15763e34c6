import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { handOver } from '../operator.ts';
import { print } from '../timeline/index.ts';
import { type AuditSettings, EXIT, isSound, openLedgerPart, requireDirectory } from './audited-ledger.ts';
import { shownProgress } from './shown-progress.ts';

/** How a ledger can be handed on: as lines, or as the files of a log that anybody can read. */
export const EXPORT_FORMATS = ['jsonl', 'ocsf', 'cef', 'tiles'] as const;

interface ExportOptions {
  readonly format: (typeof EXPORT_FORMATS)[number];
  readonly out?: string;
  readonly actor?: string;
  readonly unverified?: true;
}

/** `vcon-otel audit export`: hands on all records. @throws VconOtelError */
export async function exportAll(
  directory: string | undefined,
  { format, out, actor, unverified }: ExportOptions,
  settings: AuditSettings,
): Promise<void> {
  const path = requireDirectory(directory);
  if ((format === 'tiles') !== (out !== undefined))
    throw new VconOtelError('OPTIONS_INVALID', '--format tiles needs --out, and no other format takes it');
  if (format === 'tiles' && unverified)
    throw new VconOtelError(
      'OPTIONS_INVALID',
      '--format tiles checks all that it writes: without --unverified',
    );
  if (format === 'tiles') return publish(path, out ?? '', actor, settings);
  const { exportRecords } = await openLedgerPart();
  if (!unverified && !(await isSound(path, settings))) return;
  await handOver(path, { event: 'ledger_exported', format }, actor, settings.stderr);
  await print(settings.stdout, exportRecords(path, format, settings.version));
}

async function publish(
  directory: string,
  out: string,
  actor: string | undefined,
  { stdout, stderr, exit }: AuditSettings,
): Promise<void> {
  const { publishLog, verifierBeside } = await openLedgerPart();
  // Each record of an export would make the next one necessary.
  const isFirst = !existsSync(join(out, 'checkpoint'));
  const progress = shownProgress(
    stderr,
    LONG,
    (percent, all) => `${percent} % of ${all.toLocaleString('en')} files are written`,
  );
  const publication = attempt(() => publishLog(directory, out, verifierBeside(directory), progress));
  if (publication instanceof VconOtelError) {
    stderr.write(`vcon-otel: nothing is published: ${publication.message}\n`);
    exit(publication.code === 'LEDGER_ROLLED_BACK' ? EXIT.rolled_back : EXIT.tampered);
    return;
  }
  const { size, written, deleted } = publication;
  if (isFirst) await handOver(directory, { event: 'ledger_exported', format: 'tiles' }, actor, stderr);
  await print(stdout, [
    `${out} has the first ${size} records: ${written} files written, ${deleted} deleted.\n`,
  ]);
}

/** What a ledger refuses is a verdict; anything else is thrown. */
function attempt<Done>(work: () => Done): Done | VconOtelError {
  try {
    return work();
  } catch (error) {
    if (error instanceof VconOtelError && error.code.startsWith('LEDGER_')) return error;
    throw error;
  }
}

/** Files; fewer are written at once. */
const LONG = 100;
