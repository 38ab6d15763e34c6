import { resolve } from 'node:path';
import { operatorOf } from '../../service/deeds.ts';
import { print, safeJson } from '../timeline/index.ts';
import { type AuditSettings, openLedgerPart, requireDirectory } from './audited-ledger.ts';

interface RotateOptions {
  readonly reason: string;
  readonly keyFile?: string;
  readonly keepFormer?: true;
  readonly actor?: string;
  readonly json?: true;
}

/** `vcon-otel audit rotate-key`: has the key that signs a ledger changed for another. @throws VconOtelError */
export async function rotate(
  directory: string | undefined,
  { reason, keyFile, keepFormer, actor, json }: RotateOptions,
  { stdout, stderr }: AuditSettings,
): Promise<void> {
  const { rotateKey } = await openLedgerPart();
  const { vkey, done } = await rotateKey(
    requireDirectory(directory),
    {
      ...operatorOf(actor),
      event: 'key_rotation_ordered',
      reason,
      ...(keyFile === undefined ? {} : { key_file: resolve(keyFile) }),
      keep_former: keepFormer === true,
    },
    (text) => stderr.write(`vcon-otel: ${text}\n`),
  );
  if (json) {
    await print(stdout, [`${safeJson({ done, verifier_key: vkey ?? null })}\n`]);
    return;
  }
  const from = done
    ? 'The ledger is signed with another key from now on. Its verifier key:\n'
    : 'The service that has the ledger open, or opens it next, changes the key within its checkpoint interval; its log says when, and ledger.vkey has the verifier key then.\n';
  await print(stdout, [
    from,
    ...(vkey === undefined ? [] : [`${vkey}\n`]),
    'Give it to witnesses, monitors and auditors. Who has the former one finds the new one by the file rotations, which both keys have signed.\n',
    ...(keyFile === undefined
      ? []
      : [
          'Set key_file to the new file, if the configuration names one; then destroy the former private key.\n',
        ]),
  ]);
}
