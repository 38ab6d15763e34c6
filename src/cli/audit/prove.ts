import { join } from 'node:path';
import type { ProofBundle } from '../../ledger/index.ts';
import { VconOtelError } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import { handOver } from '../operator.ts';
import { print, safeJson } from '../timeline/index.ts';
import { type AuditSettings, EXIT, isSound, openLedgerPart, requireDirectory } from './audited-ledger.ts';

/** How a proof can be handed on. */
export const PROOF_FORMATS = ['bundle', 'tlog-proof'] as const;

interface ProveOptions {
  readonly format: (typeof PROOF_FORMATS)[number];
  readonly out?: string;
  readonly vcon: string;
  readonly withContentKey?: true;
  readonly actor?: string;
  readonly unverified?: true;
}

/** `vcon-otel audit prove`: proves what a ledger says of a vCon. @throws VconOtelError */
export async function prove(
  directory: string | undefined,
  { vcon: given, format, out, withContentKey, actor, unverified }: ProveOptions,
  settings: AuditSettings,
): Promise<void> {
  const { stdout, stderr } = settings;
  const { proveVcon, KeyStore, knownVcon } = await openLedgerPart();
  const path = requireDirectory(directory);
  if ((format === 'tlog-proof') !== (out !== undefined))
    throw new VconOtelError(
      'OPTIONS_INVALID',
      '--format tlog-proof needs --out, and no other format takes it',
    );
  if (out !== undefined && withContentKey)
    throw new VconOtelError('OPTIONS_INVALID', 'a tlog-proof has no room for the key: --format bundle has');
  if (!unverified && !(await isSound(path, settings))) return;
  const vcon = knownVcon(path, given) ?? given;
  const key = withContentKey ? await new KeyStore(path).read(vcon) : undefined;
  const bundle = proveVcon(path, vcon, key);
  if (bundle.records.length === 0) {
    const waiting =
      bundle.unsigned > 0 ? `${bundle.unsigned} records of it are not signed yet` : 'no record mentions it';
    stderr.write(`vcon-otel: nothing can be proven of this vCon: ${waiting}\n`);
    settings.exit(EXIT.tampered);
    return;
  }
  const deed = { event: 'vcon_proved', vcon_uuid: vcon, with_content_key: withContentKey === true } as const;
  await handOver(path, deed, actor, stderr);
  await print(stdout, out === undefined ? [`${safeJson(bundle)}\n`] : await written(bundle, out));
  if (bundle.unsigned > 0)
    stderr.write(
      `vcon-otel: ${bundle.unsigned} records are not signed yet; ask again after the next checkpoint\n`,
    );
}

/** Writes a file for each record. @returns their names, a line each */
async function written(bundle: ProofBundle, out: string): Promise<string[]> {
  const { tlogProofs } = await openLedgerPart();
  makeFolder(out);
  return [...tlogProofs(bundle)].map(([seq, text]) => {
    const file = join(out, `${seq}.tlog-proof`);
    replaceFileSync(file, text);
    return `${file}\n`;
  });
}
