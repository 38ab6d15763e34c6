import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import {
  CHECKPOINT_FILE,
  HISTORY_FILE,
  KEY_FILE,
  NEXT_KEY_FILE,
  readText,
  VERIFIER_KEY_FILE,
} from '../directory.ts';
import { openCheckpoint } from '../proof/checkpoint.ts';
import { readHistory } from '../proof/checkpoint-history.ts';
import {
  generateKey,
  isSameVerifier,
  parseVerifierKey,
  type Signer,
  signerOf,
  type Verifier,
} from '../proof/note.ts';
import { keysInForce, rotationsIn } from './key-rotation.ts';

/** Who signs a ledger. */
export interface LedgerSigner {
  readonly signer: Signer;
  /** Whether the key was created just now. */
  readonly made: boolean;
  /** Whether `keyFile` is not that of this key: the ledger was given another one since. */
  readonly isElsewhere: boolean;
}

/**
 * The key of a ledger: that of `keyFile`, or the one beside the ledger, which is created if missing; once the key was changed, the
 * newest, wherever of these it is. The origin is the given one, or that of the existing ledger, or a new one.
 * @throws VconOtelError `FILE_UNUSABLE` if `keyFile` is missing, `KEY_INVALID`
 */
export function ledgerSigner(directory: string, origin?: string, keyFile?: string): LedgerSigner {
  const name = origin ?? originOf(directory) ?? `vcon-otel.local/${randomBytes(8).toString('hex')}`;
  const found = existingSigner(directory, name, keyFile);
  if (found) return found;
  const pem = generateKey();
  writeKeyFile(join(directory, KEY_FILE), pem);
  return { signer: signerOf(name, pem), made: true, isElsewhere: false };
}

/**
 * As {@link ledgerSigner}, but changes nothing.
 * @returns undefined if a key has yet to be created beside the ledger
 * @throws VconOtelError as `ledgerSigner`
 */
export function existingSigner(
  directory: string,
  origin?: string,
  keyFile?: string,
): LedgerSigner | undefined {
  const name = origin ?? originOf(directory);
  const configured = keyFile ?? join(directory, KEY_FILE);
  const newest = rotationsIn(directory).at(-1)?.next;
  if (newest) {
    for (const path of [configured, join(directory, KEY_FILE), join(directory, NEXT_KEY_FILE)]) {
      const signer = signerIn(path, name ?? newest.name);
      if (signer && isSameVerifier(parseVerifierKey(signer.vkey), newest))
        return { signer, made: false, isElsewhere: keyFile !== undefined && path !== keyFile };
    }
    throw new VconOtelError(
      'KEY_INVALID',
      `the ledger is signed with the key ${newest.id} since its key was changed: put that one back, or name its file`,
    );
  }
  const signer = signerIn(configured, name ?? UNNAMED);
  if (signer) return { signer, made: false, isElsewhere: false };
  if (keyFile !== undefined)
    throw new VconOtelError('FILE_UNUSABLE', 'there is no such key file: vcon-otel audit keygen creates one');
  if (originOf(directory) === undefined) return undefined;
  throw new VconOtelError(
    'KEY_INVALID',
    'the key that the ledger was signed with is gone: put it back, or start another ledger',
  );
}

/** Stands for the name that a new ledger will get. */
const UNNAMED = 'vcon-otel.local';

/** The key of a file; undefined where there is none. @throws VconOtelError `KEY_INVALID` */
function signerIn(path: string, name: string): Signer | undefined {
  const pem = readText(path);
  return pem === undefined ? undefined : signerOf(name, pem);
}

/** Writes a private key that only its owner may read. */
export function writeKeyFile(path: string, pem: string): void {
  makeFolder(dirname(path));
  replaceFileSync(path, pem);
}

/**
 * The verifier key beside a ledger, and those before it; anyone who can alter the ledger can alter them too.
 * @throws VconOtelError `KEY_INVALID`
 */
export function verifierBeside(directory: string): Verifier[] {
  return keysInForce(verifierKeysBeside(directory).map(parseVerifierKey), rotationsIn(directory));
}

/** The newest of {@link verifierBeside}, as it is given to others. */
function verifierKeysBeside(directory: string): string[] {
  const vkey = readText(join(directory, VERIFIER_KEY_FILE));
  return vkey === undefined ? [] : [vkey.trim()];
}

/**
 * The origin of a ledger: of its first checkpoint, or of what else names it where that cannot be read; undefined for a
 * ledger that has no name yet.
 * @throws VconOtelError `LEDGER_DAMAGED` if none of its checkpoints can be read, or they name different ledgers
 */
export function originOf(directory: string): string | undefined {
  const newest = readText(join(directory, CHECKPOINT_FILE));
  const [first] = readHistory(join(directory, HISTORY_FILE));
  const [origin, other] = new Set([first?.note, newest].flatMap(originsOf));
  if (other !== undefined)
    throw damaged(`${CHECKPOINT_FILE} and ${HISTORY_FILE} name different ledgers, so one of them is damaged`);
  if (origin === undefined && (newest !== undefined || first?.whole))
    throw damaged(`${CHECKPOINT_FILE} and ${HISTORY_FILE} are damaged: neither begins with a checkpoint`);
  return origin ?? /^([^\s+]+)\+[0-9a-f]{8}\+/.exec(readText(join(directory, VERIFIER_KEY_FILE)) ?? '')?.[1];
}

function originsOf(note = ''): string[] {
  const opened = openCheckpoint(note, []);
  return 'head' in opened ? [opened.head.origin] : [];
}

function damaged(what: string): VconOtelError {
  return new VconOtelError('LEDGER_DAMAGED', `${what}: vcon-otel audit verify says more`);
}
