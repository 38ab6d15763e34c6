import { statSync } from 'node:fs';
import type { Compared, MirrorPlace, Verdict } from '../../ledger/index.ts';
import { VconOtelError } from '../../model/error.ts';
import { operatorOf } from '../../service/deeds.ts';
import { cleanText, print } from '../timeline/index.ts';
import { type AuditSettings, EXIT, openLedgerPart, verifiersOf } from './audited-ledger.ts';

/** Where a mirror is, as a command is told. @throws VconOtelError `FILE_UNUSABLE` */
export async function mirrorAt(path: string): Promise<MirrorPlace> {
  const { openMirror, s3OptionsOf } = await openLedgerPart();
  if (path.startsWith('s3://')) return openMirror({ type: 's3', ...s3OptionsOf(path) });
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return openMirror({ type: 'directory', path });
  throw new VconOtelError('FILE_UNUSABLE', `there is no directory ${path}`);
}

/** Whether a mirror is a copy of the ledger, if not all of it yet. */
export function isCopy({ state }: Compared): boolean {
  return state === 'same' || state === 'behind';
}

/** What was found of a mirror, for people; `own` is what it is by itself. */
export function mirrorLines({ state, signed, mirrored, difference }: Compared, own: Verdict): string[] {
  const itself = own.fault ? `: ${own.fault.reason} (${own.fault.file}, byte ${own.fault.offset})` : '';
  const text = {
    same: `the same ${mirrored} records`,
    behind: `the same, up to ${mirrored} of ${signed} records`,
    ahead: `has ${mirrored} records, and the ledger ${signed}`,
    differs: difference
      ? `${difference.seq === undefined ? 'differs' : `differs from record ${difference.seq} on`}: ${difference.file}, byte ${difference.offset}`
      : 'differs',
    foreign: 'its checkpoint was not signed by the key of this ledger',
    empty: 'has no checkpoint: nothing was mirrored yet, or somebody has emptied it',
  }[state];
  const lines = [`  ${'mirror'.padEnd(12)} ${text}`];
  if (state !== 'empty')
    lines.push(`  ${''.padEnd(12)} by itself it is ${own.verdict.replace('_', ' ')}${itself}`);
  return lines;
}

/** As {@link mirrorLines}, for programs. */
export function mirrorJson({ state, signed, mirrored, difference }: Compared, own: Verdict) {
  const itself = state === 'empty' ? null : own.verdict;
  return {
    state,
    signed,
    mirrored,
    difference: difference ?? null,
    by_itself: itself,
    fault: own.fault ?? null,
  };
}

/** `vcon-otel audit restore`: brings a ledger back from its mirror. @throws VconOtelError */
export async function restoreMirrored(
  from: string | undefined,
  { key, actor }: { key?: readonly string[]; actor?: string },
  { stdout, stderr, exit }: AuditSettings,
  [into = '']: readonly (string | undefined)[],
): Promise<void> {
  const { restoreLedger, verdictLines } = await openLedgerPart();
  const place = await mirrorAt(from ?? '');
  let said = -1;
  const progress = (done: number, all: number) => {
    const percent = all === 0 ? 100 : Math.floor((done / all) * 100);
    if (percent - said < STEP && percent < 100) return;
    if (percent === said) return;
    said = percent;
    stderr.write(`vcon-otel: ${percent} % of ${(all / 1e6).toFixed(1)} MB are there\n`);
  };
  const { verdict, keysLost } = await restoreLedger({
    place,
    directory: into,
    verifiers: key ? await verifiersOf(key) : [],
    operator: operatorOf(actor),
    progress,
  });
  const lines = verdictLines(verdict, into).map((line) => `${cleanText(line)}\n`);
  if (verdict.verdict !== 'intact') {
    await print(stdout, [...lines, 'What the mirror has is not what was signed: do not use it.\n']);
    exit(EXIT[verdict.verdict]);
    return;
  }
  await print(stdout, [
    ...lines,
    `The ledger is back in ${into}, up to the checkpoint of ${verdict.size} records. The next service that opens it records this.\n`,
    keysLost === 0
      ? 'No key of a vCon is missing.\n'
      : `What cannot come back: the keys of ${keysLost} vCons, which a mirror never has. Their records still verify; which document they were made of can be compared only if you put keys/ back from a copy of yours.\n`,
    'Put the private key back, too (signing-key.pem, or key_file), and set the owner of the files to the user of the service.\n',
    ...(key
      ? []
      : ['It was checked with the key in the mirror; --key with one kept elsewhere proves more.\n']),
  ]);
}

/** Percent between two lines of progress. */
const STEP = 10;
