import { hash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errorType, VconOtelError } from '../../model/error.ts';
import { type FileLock, lockFile } from '../../persistence/file-lock.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { replaceFile } from '../../persistence/replace-file.ts';
import { CHECKPOINT_FILE, makeLedgerFolder, readText } from '../directory.ts';
import type { TreeHead } from '../proof/checkpoint.ts';
import { isConsistent } from '../proof/consistency.ts';
import { type Cosigner, cosignaturesOf, parseWitnessKey } from '../proof/cosignature.ts';
import { EMPTY_ROOT } from '../proof/merkle.ts';
import { openNote, parseNote, type Verifier } from '../proof/note.ts';
import { type AddCheckpoint, headOfAnyLog, parseAddCheckpoint } from './add-checkpoint.ts';

/** A log that a witness watches: by its origin, and the keys that may sign it. */
export interface WatchedLog {
  readonly origin: string;
  readonly verifiers: readonly Verifier[];
}

/** What is needed to be a witness. */
export interface WitnessSettings {
  /** Where it keeps what it cosigned last of each log; used by one process at a time. */
  readonly directory: string;
  readonly cosigner: Cosigner;
  readonly logs: readonly WatchedLog[];
  /** Receives what an operator should know; `trouble` where a log is not what it was. */
  readonly notice: (kind: 'news' | 'trouble', text: string) => void;
}

/** What a witness answers, with the status that HTTP has for it. */
export type WitnessAnswer =
  /** Its signature lines. */
  | { readonly status: 200; readonly lines: string }
  /** It has cosigned another size last. */
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 403 | 404 | 422; readonly reason: string };

/** What it cosigned last of a log. */
interface Cosigned {
  readonly head: TreeHead;
  readonly note: string;
}

/**
 * A witness of logs (C2SP tlog-witness): cosigns a checkpoint if it is consistent with the one that it cosigned before, and
 * remembers that before it answers. So a log cannot show one history to some and another to others.
 */
export class Witness {
  readonly #settings: WitnessSettings;
  readonly #lock: FileLock;
  readonly #logs = new Map<string, { readonly log: WatchedLog; turn: Promise<unknown> }>();
  #closed: Promise<void> | undefined;

  /** @throws VconOtelError `FILE_UNUSABLE` where the folder cannot be used, or what it holds of a log cannot be trusted */
  constructor(settings: WitnessSettings) {
    const { directory, logs } = settings;
    this.#settings = settings;
    makeLedgerFolder(directory);
    this.#lock = lockWitness(directory);
    for (const log of logs) this.#logs.set(log.origin, { log, turn: Promise.resolve() });
    try {
      for (const log of logs) this.#last(log);
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  /** Answers one `add-checkpoint`. Those of one log are answered one after the other. @throws the system's error */
  async add(body: string): Promise<WitnessAnswer> {
    const asked = parseAddCheckpoint(body);
    const parsed = asked && parseNote(asked.note);
    const head = parsed && headOfAnyLog(parsed.text);
    if (!head) return refused(400, 'this is no add-checkpoint request (C2SP tlog-witness)');
    const watched = this.#logs.get(head.origin);
    if (!watched) return refused(404, 'this log is not known here');
    if (openNote(asked.note, watched.log.verifiers).state !== 'signed')
      return refused(403, 'no key that is known for this log has signed the checkpoint');
    if (asked.oldSize > head.size) return refused(400, 'the old size is larger than that of the checkpoint');
    const answer = watched.turn.then(() => this.#decide(watched.log, asked, head));
    watched.turn = answer.catch(() => undefined);
    return answer;
  }

  /** The checkpoint of a log that it cosigned last, by the SHA-256 of the origin in hexadecimal; undefined if there is none. */
  checkpoint(originHash: string): string | undefined {
    const watched = [...this.#logs.values()].find(({ log }) => nameOf(log.origin) === originHash);
    return watched && this.#last(watched.log)?.note;
  }

  /** How much of each log it has cosigned, in leaves. */
  sizes(): readonly { readonly origin: string; readonly size: number }[] {
    return [...this.#logs.values()].map(({ log }) => ({
      origin: log.origin,
      size: this.#last(log)?.head.size ?? 0,
    }));
  }

  /** Waits for what is under way, and unlocks the folder. Safe twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#logs.values()].map(({ turn }) => turn));
    this.#lock.release();
  }

  async #decide(log: WatchedLog, asked: AddCheckpoint, head: TreeHead): Promise<WitnessAnswer> {
    const { cosigner, notice } = this.#settings;
    const last = this.#last(log);
    const known = last?.head ?? { size: 0, root: EMPTY_ROOT };
    if (asked.oldSize !== known.size) return { status: 409, size: known.size };
    if (!isConsistent(known, head, asked.proof)) {
      if (known.size === head.size) await this.#keepFork(log, asked.note);
      notice(
        'trouble',
        `${log.origin}: not cosigned, a checkpoint of ${head.size} is not shown to have grown from that of ${known.size}`,
      );
      return refused(
        422,
        `the checkpoint is not shown to be consistent with that of ${known.size} cosigned last`,
      );
    }
    const seconds = Math.floor(Date.now() / 1e3);
    const text = parseNote(asked.note)?.text ?? '';
    const again = last && this.#linesOf(last, text, seconds);
    if (again !== undefined) return { status: 200, lines: again };
    const lines = cosigner.cosign(text, seconds);
    await this.#keep(log.origin, CHECKPOINT_FILE, `${signedNote(asked.note, log.verifiers)}${lines}`);
    notice('news', `${log.origin}: cosigned, ${known.size} to ${head.size}`);
    return { status: 200, lines };
  }

  /** What it cosigned in this very second need not be cosigned again: whoever repeats a request costs no disk. */
  #linesOf({ note }: Cosigned, text: string, seconds: number): string | undefined {
    if (parseNote(note)?.text !== text) return undefined;
    const [own] = cosignaturesOf(note, [parseWitnessKey(this.#settings.cosigner.vkey)]) ?? [];
    return own?.time === seconds * 1e3 ? own.line : undefined;
  }

  /** Read each time: what is on disk is what counts. */
  #last({ origin, verifiers }: WatchedLog): Cosigned | undefined {
    const { directory, cosigner } = this.#settings;
    const note = readText(join(directory, nameOf(origin), CHECKPOINT_FILE));
    if (note === undefined) return undefined;
    const head = headOfAnyLog(parseNote(note)?.text ?? '');
    // Either key may have been changed since.
    const isOurs = cosignaturesOf(note, [parseWitnessKey(cosigner.vkey)])?.length === 1;
    if (head?.origin === origin && (isOurs || openNote(note, verifiers).state === 'signed'))
      return { head, note };
    throw new VconOtelError(
      'FILE_UNUSABLE',
      `what was cosigned last of ${origin} cannot be trusted (${nameOf(origin)}/${CHECKPOINT_FILE}): put the file back; without it, this witness would take any history of that log for the first`,
    );
  }

  /** Two signed checkpoints of one size that differ prove that the log has two histories. */
  async #keepFork({ origin }: WatchedLog, note: string): Promise<void> {
    const folder = join(this.#settings.directory, nameOf(origin), FORKS);
    const isFull = existsSync(folder) && readdirSync(folder).length >= MAX_FORKS;
    if (!isFull) await this.#keep(origin, join(FORKS, nameOf(note)), note);
  }

  async #keep(origin: string, file: string, note: string): Promise<void> {
    if (!this.#lock.holds())
      throw new VconOtelError('FILE_UNUSABLE', 'the lock of the witness has been taken away');
    const path = join(this.#settings.directory, nameOf(origin), file);
    makeFolder(join(path, '..'));
    await replaceFile(path, note);
  }
}

/** Checkpoints that contradict one another, below the folder of a log. */
const FORKS = 'forks';
const MAX_FORKS = 100;

/** How a log is called in paths (C2SP tlog-witness, monitor retrieval). */
function nameOf(text: string): string {
  return hash('sha256', text, 'hex');
}

/** A note with the signatures of known keys alone. */
function signedNote(note: string, verifiers: readonly Verifier[]): string {
  const { text = '', signatures = [] } = parseNote(note) ?? {};
  const known = signatures.filter(({ name, id }) => verifiers.some((of) => of.name === name && of.id === id));
  return `${text}\n${known.map(({ line }) => line).join('')}`;
}

function refused(status: 400 | 403 | 404 | 422, reason: string): WitnessAnswer {
  return { status, reason };
}

function lockWitness(directory: string): FileLock {
  try {
    const lock = lockFile(join(directory, 'lock'));
    if (lock) return lock;
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `${directory} cannot be locked (${errorType(cause)})`, {
      cause,
    });
  }
  throw new VconOtelError('FILE_UNUSABLE', `another witness uses ${directory}`);
}
