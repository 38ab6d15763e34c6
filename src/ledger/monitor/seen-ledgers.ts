import { hash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { errorType, VconOtelError } from '../../model/error.ts';
import { type FileLock, lockFile } from '../../persistence/file-lock.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { replaceFile } from '../../persistence/replace-file.ts';
import { makeLedgerFolder, readText } from '../directory.ts';
import { keysInForce, rotationsOf } from '../keys/key-rotation.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import type { Verifier } from '../proof/note.ts';

/** What a monitor has seen of a ledger at one place. */
const SeenThere = z.strictObject({
  /** Records of the checkpoint that was there last. */
  size: z.int().min(0),
  /** Since when, in milliseconds since the epoch. */
  since: z.number(),
  /** Whether there were records to be had. */
  records: z.boolean(),
});
export type SeenThere = Readonly<z.output<typeof SeenThere>>;

/** What a monitor has seen of a ledger, wherever. */
const SeenLedger = z.strictObject({
  origin: z.string(),
  /** The first checkpoint that it saw, and the largest: signed notes. */
  first: z.string(),
  newest: z.string(),
  /** The changes of its key, as `rotationsOf` reads them. */
  rotations: z.string().default(''),
  /** By the name of the place. */
  places: z.record(z.string(), SeenThere),
});
export type SeenLedger = Readonly<z.output<typeof SeenLedger>>;

/** What a monitor has seen, in a folder that one process at a time may have: a file for each origin. */
export class SeenLedgers {
  readonly #directory: string;
  readonly #lock: FileLock;
  readonly #seen = new Map<string, SeenLedger>();

  /**
   * @param verifiers of the ledgers' keys: what none of them has signed is not trusted
   * @throws VconOtelError `FILE_UNUSABLE` where the folder cannot be used, or a file in it cannot be trusted
   */
  constructor(directory: string, verifiers: readonly Verifier[]) {
    this.#directory = directory;
    this.#lock = lockMonitor(directory);
    try {
      for (const { name: origin } of verifiers) {
        const seen = this.#read(origin, verifiers);
        if (seen) this.#seen.set(origin, seen);
      }
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  of(origin: string): SeenLedger | undefined {
    return this.#seen.get(origin);
  }

  /** The origin of the ledger that was at a place. */
  originAt(place: string): string | undefined {
    return [...this.#seen].find(([, { places }]) => Object.hasOwn(places, place))?.[0];
  }

  /** Resolves when it is on disk. @throws the system's error; VconOtelError where the folder is another process's by now */
  async keep(seen: SeenLedger): Promise<void> {
    this.#requireLock();
    await replaceFile(fileOf(this.#directory, seen.origin), `${JSON.stringify(seen, null, 2)}\n`);
    this.#seen.set(seen.origin, seen);
  }

  /**
   * Keeps two checkpoints of one ledger that contradict one another: signed by its key, they prove it.
   * @returns the file; undefined where there are too many by now
   */
  async keepFork(one: string, other: string): Promise<string | undefined> {
    this.#requireLock();
    const folder = join(this.#directory, FORKS);
    const text = one + other;
    const file = join(folder, hash('sha256', text, 'hex'));
    if (existsSync(file)) return file;
    makeFolder(folder);
    if (readdirSync(folder).length >= MAX_FORKS) return undefined;
    await replaceFile(file, text);
    return file;
  }

  release(): void {
    this.#lock.release();
  }

  #requireLock(): void {
    if (!this.#lock.holds())
      throw new VconOtelError('FILE_UNUSABLE', 'the lock of the monitor has been taken away');
  }

  #read(origin: string, verifiers: readonly Verifier[]): SeenLedger | undefined {
    const file = fileOf(this.#directory, origin);
    const text = readText(file);
    if (text === undefined) return undefined;
    const seen = parsed(text);
    const keys = keysInForce(verifiers, rotationsOf(seen?.rotations ?? ''));
    const isSigned = (note: string) => {
      const opened = openCheckpoint(note, keys);
      return opened.state === 'signed' && opened.head.origin === origin;
    };
    if (seen?.origin === origin && isSigned(seen.first) && isSigned(seen.newest)) return seen;
    throw new VconOtelError(
      'FILE_UNUSABLE',
      `what was seen of ${origin} cannot be trusted (${file}): put the file back, or give the key that the ledger had; without the file, this monitor would take any history of that ledger for the first`,
    );
  }
}

/** The tree head of a checkpoint that was seen. */
export function seenHead(note: string): TreeHead {
  const opened = openCheckpoint(note, []);
  if ('head' in opened) return opened.head;
  throw new TypeError('this was no checkpoint when it was seen');
}

/** Checkpoints that contradict one another. */
const FORKS = 'forks';
const MAX_FORKS = 100;

function fileOf(directory: string, origin: string): string {
  return join(directory, `${hash('sha256', origin, 'hex')}.json`);
}

function parsed(text: string): SeenLedger | undefined {
  try {
    return SeenLedger.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function lockMonitor(directory: string): FileLock {
  try {
    makeLedgerFolder(directory);
    const lock = lockFile(join(directory, 'lock'));
    if (lock) return lock;
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `${directory} cannot be used (${errorType(cause)})`, {
      cause,
    });
  }
  throw new VconOtelError('FILE_UNUSABLE', `another monitor uses ${directory}`);
}
