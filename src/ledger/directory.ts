import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { makeFolder } from '../persistence/make-folder.ts';
import { requirePlainFile } from '../persistence/plain-file.ts';
import { syncFolderSync } from '../persistence/sync-path.ts';

//  The files in a ledger's directory, beside its folders.

/** The newest checkpoint (C2SP tlog-tiles: `<prefix>/checkpoint`). */
export const CHECKPOINT_FILE = 'checkpoint';
/** Every checkpoint ever signed, in order. */
export const HISTORY_FILE = 'checkpoints';
/** The public key, as a verifier key. */
export const VERIFIER_KEY_FILE = 'ledger.vkey';
/** The private key, unless the configuration names another one. */
export const KEY_FILE = 'signing-key.pem';

/** The private key that is to sign next, while the change to it is under way. */
export const NEXT_KEY_FILE = 'signing-key.next.pem';
/** How one key came after another: a C2SP tlog-proof of each change, one after the other. */
export const ROTATIONS_FILE = 'rotations';

/** Reads a small text file; undefined if it is missing. @throws VconOtelError `FILE_UNUSABLE`; the system's error */
export function readText(path: string): string | undefined {
  requirePlainFile(path);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Creates a ledger's directory if it is missing, and waits until its name is on disk. */
export function makeLedgerFolder(directory: string): void {
  const path = resolve(directory);
  const first = makeFolder(path);
  if (first === undefined) return;
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    syncFolderSync(parent);
    if (parent === dirname(first)) return;
  }
}
