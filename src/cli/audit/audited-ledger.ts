import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerState, Verifier } from '../../ledger/index.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import { cleanText } from '../timeline/index.ts';

//  What the commands of `vcon-otel audit` share.

/** What the command needs of the process it runs in. */
export interface AuditSettings {
  /** Gets the requested output and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks. */
  readonly stderr: NodeJS.WritableStream;
  /** The version of this program. */
  readonly version: string;
  /** Sets the exit code of the process. */
  readonly exit: (code: number) => void;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
}

/** The exit codes of `audit verify` and `audit monitor`: part of their interface. */
export const EXIT = {
  intact: 0,
  tampered: 1,
  torn: 2,
  unusable: 3,
  unknown_key: 4,
  rolled_back: 5,
  unsigned: 6,
  bad_signature: 7,
  forbidden: 8,
  key_lost: 9,
  deleted_early: 10,
  not_witnessed: 11,
  stale: 12,
  unreachable: 13,
  mirror_differs: 14,
} as const satisfies Record<
  LedgerState | 'unusable' | 'forbidden' | 'not_witnessed' | 'stale' | 'unreachable' | 'mirror_differs',
  number
>;

/** Loaded only when needed: on Node 22 the mere import of SQLite prints a warning. */
export const openLedgerPart = () => import('../../ledger/index.ts');

/** Whether a ledger can be handed on; says so where it cannot. A torn tail is left out of what is. */
export async function isSound(directory: string, { stderr, exit }: AuditSettings): Promise<boolean> {
  const { isLedgerInUse, verdictLines, verifierBeside, verifyLedger } = await openLedgerPart();
  const verdict = verifyLedger({
    directory,
    verifiers: verifierBeside(directory),
    inUse: isLedgerInUse(directory),
  });
  if (verdict.verdict === 'intact' || verdict.verdict === 'torn') return true;
  const [head = ''] = verdictLines(verdict, directory);
  stderr.write(`vcon-otel: nothing is printed of this ledger, but with --unverified: ${cleanText(head)}\n`);
  exit(EXIT[verdict.verdict]);
  return false;
}

/** The directory of a ledger. @throws VconOtelError `FILE_UNUSABLE` if there is none */
export function requireDirectory(directory: string | undefined): string {
  if (directory !== undefined && statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    if (existsSync(join(directory, 'segments')) || existsSync(join(directory, 'checkpoints')))
      return directory;
    throw new VconOtelError('FILE_UNUSABLE', `there is no ledger in ${directory}`);
  }
  throw new VconOtelError('FILE_UNUSABLE', `there is no directory ${directory ?? ''}`);
}

/** The text of a file. @throws VconOtelError `FILE_UNUSABLE` */
export function requireText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `${path} cannot be read (${errorType(cause)})`, { cause });
  }
}

/** Runs a command, and says why where it cannot be done. */
export async function reporting({ stderr, exit }: AuditSettings, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const type = errorType(error);
    const isForbidden = type === 'EACCES' || type === 'EPERM';
    const text = isForbidden
      ? `a file may not be read by this user, so nothing was found out (${type}): run the command as the user of the service`
      : `the command failed (${type})`;
    stderr.write(`vcon-otel: ${error instanceof VconOtelError ? error.message : text}\n`);
    exit(isForbidden ? EXIT.forbidden : EXIT.unusable);
  }
}

/** The keys that may have signed a ledger: those that are given, or the one beside it, and those that they lead to. */
export async function trustedKeys(
  directory: string,
  keys: readonly string[] | undefined,
): Promise<Verifier[]> {
  const { keysInForce, rotationsIn, verifierBeside } = await openLedgerPart();
  return keys ? keysInForce(await verifiersOf(keys), rotationsIn(directory)) : verifierBeside(directory);
}

/** Keys as given on the command line: each is the key itself, or a file that holds it. */
export async function verifiersOf(keys: readonly string[]): Promise<Verifier[]> {
  const { parseVerifierKey } = await openLedgerPart();
  return keys.map((key) => parseVerifierKey((existsSync(key) ? requireText(key) : key).trim()));
}
