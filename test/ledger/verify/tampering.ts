import { closeSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseVerifierKey, type Signer, type Verdict, verifyLedger } from '../../../src/ledger/index.ts';

/** The files that make up a ledger: not the keys, not the lock. */
function ledgerFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(directory, join(parentPath, name)))
    .filter((name) => /^(segments\/|tile\/|checkpoints?$)/.test(name));
}

export function verify(directory: string, signer: Signer): Verdict {
  return verifyLedger({ directory, verifiers: [parseVerifierKey(signer.vkey)] });
}

/** A change of one byte that was not noticed, or of which the wrong place was named. */
export interface Missed {
  readonly file: string;
  readonly byte: number;
  readonly verdict: Verdict;
}

/**
 * Flips a bit of every so many bytes of every file of a ledger, one at a time, and verifies it each time.
 * @returns how many were flipped, and which of them were missed
 */
export function flipBytes(
  directory: string,
  signer: Signer,
  every: number,
): { flipped: number; missed: Missed[] } {
  const missed: Missed[] = [];
  let flipped = 0;
  for (const file of ledgerFiles(directory)) {
    const path = join(directory, file);
    const content = readFileSync(path);
    const handle = openSync(path, 'r+');
    const byte = Buffer.alloc(1);
    for (let at = flipped % every; at < content.length; at += every) {
      readSync(handle, byte, 0, 1, at);
      writeSync(handle, Buffer.of((byte[0] ?? 0) ^ (1 << (at % 8))), 0, 1, at);
      const verdict = verify(directory, signer);
      flipped += 1;
      if (!isNamed(file, at, content, verdict)) missed.push({ file, byte: at, verdict });
      writeSync(handle, byte, 0, 1, at);
    }
    closeSync(handle);
  }
  return { flipped, missed };
}

function isNamed(file: string, at: number, content: Buffer, { verdict, fault }: Verdict): boolean {
  if (verdict === 'intact' || verdict === 'torn' || !fault) return false;
  if (file === 'checkpoint' || file === 'checkpoints')
    return fault.file === 'checkpoint' || fault.file === 'checkpoints';
  if (file.startsWith('tile/')) return fault.file === file && fault.seq === undefined;
  const before = content.subarray(0, at);
  const start = before.lastIndexOf(0x0a) + 1;
  const seq = before.toString('latin1').split('\n').length - 1;
  return fault.file === file && fault.seq === seq && fault.offset === start;
}
