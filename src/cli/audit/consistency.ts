import { existsSync } from 'node:fs';
import type { LedgerThen } from '../../ledger/index.ts';
import { cleanText, print, safeJson } from '../timeline/index.ts';
import {
  type AuditSettings,
  EXIT,
  openLedgerPart,
  requireDirectory,
  requireText,
  trustedKeys,
} from './audited-ledger.ts';

/** `vcon-otel audit consistency`: proves that a ledger has grown from what it was. @throws VconOtelError */
export async function consistency(
  directory: string | undefined,
  { key, json }: { readonly key?: readonly string[]; readonly json?: true },
  { stdout, exit }: AuditSettings,
  [old = '', grown]: readonly (string | undefined)[],
): Promise<void> {
  const { proveGrowth } = await openLedgerPart();
  const path = requireDirectory(directory);
  const verifiers = await trustedKeys(path, key);
  const found = proveGrowth(path, verifiers, then(old), grown === undefined ? undefined : then(grown));
  exit(EXIT[found.verdict]);
  if (found.verdict !== 'intact') {
    const { verdict, reason } = found;
    await print(stdout, [
      json ? `${safeJson({ consistent: false, verdict, reason })}\n` : `✗ not shown: ${reason}\n`,
    ]);
    return;
  }
  const proof = found.proof.map((hash) => hash.toString('base64'));
  const [before, after] = [found.old, found.grown].map(({ size, root }) => ({
    size,
    root: root.toString('base64'),
  }));
  await print(
    stdout,
    json
      ? [`${safeJson({ consistent: true, origin: found.grown.origin, old: before, new: after, proof })}\n`]
      : [
          `✓ consistent: the ledger of ${after?.size} records of ${cleanText(found.grown.origin)} has grown from its first ${before?.size}\n`,
          ...proof.map((hash) => `  ${hash}\n`),
        ],
  );
}

/** What an argument means: a file with a checkpoint, or how many records there were. */
function then(argument: string): LedgerThen {
  return /^\d{1,15}$/.test(argument) && !existsSync(argument) ? Number(argument) : requireText(argument);
}
