import { hash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { backOff, type Intervals } from '../../model/back-off.ts';
import { systemClock } from '../../model/clock.ts';
import { withDeadline } from '../../model/deadline.ts';
import { errorType } from '../../model/error.ts';
import { type HttpClient, httpClient } from '../../outgoing/http-client.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { replaceFile } from '../../persistence/replace-file.ts';
import { CHECKPOINT_FILE, readText } from '../directory.ts';
import { requireGrown } from '../log/anchor.ts';
import type { WitnessesStanding } from '../log/ledger-standing.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { consistencyProof } from '../proof/consistency.ts';
import { answeredCosignatures, cosignaturesOf, parseWitnessKey } from '../proof/cosignature.ts';
import { parseNote, type Verifier } from '../proof/note.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { ADD_CHECKPOINT, addCheckpointBody } from './add-checkpoint.ts';

/** Who is asked to cosign a ledger's checkpoints. */
export interface WitnessOptions {
  readonly witnesses: readonly {
    /** The submission prefix, as C2SP tlog-witness calls it. */
    readonly url: string;
    /** Its verifier key. */
    readonly key: string;
  }[];
  /** How many of them there must be. */
  readonly quorum: number;
  /** Hosts that may have private addresses. */
  readonly allowPrivateHosts: readonly string[];
  /** Milliseconds after which it is told that there are not as many. */
  readonly patience: number;
}

/** What code passes to {@link Witnessing}. */
export interface WitnessingSettings extends WitnessOptions {
  readonly directory: string;
  /** Of the ledger's own keys, as they are by then. */
  readonly own: () => readonly Verifier[];
  readonly origin: string;
  readonly notice: (about: string, text: string) => void;
  /** Takes a checkpoint with more signatures on it. */
  readonly cosigned: (note: string) => Promise<void>;
  /** Hears what shows that the ledger is not what a witness saw. */
  readonly contradicted: (error: unknown) => void;
}

/** A checkpoint that is to be cosigned. */
interface Signed {
  readonly head: TreeHead;
  readonly text: string;
  /** With the signatures that it has by now. */
  note: string;
}

/** What is known of a witness. */
interface Asked {
  readonly url: string;
  readonly verifier: Verifier;
  /** What it has cosigned last, in leaves, as far as is known. */
  seen: number;
  /** When it cosigned last, milliseconds since the epoch; 0: never. */
  time: number;
  /** The text that it cosigned last. */
  text: string;
  failures: number;
  /** While it is asked. */
  attempt: Promise<void> | undefined;
  /** Calls off the next attempt. */
  callOff: () => void;
}

/**
 * Has the checkpoints of a ledger cosigned (C2SP tlog-witness), beside everything else: a witness that is down or slow is asked
 * again, with what is newest by then, and nothing waits for it.
 */
export class Witnessing {
  readonly #settings: WitnessingSettings;
  readonly #asked: readonly Asked[];
  readonly #http: HttpClient;
  readonly #since = Date.now();
  #newest: Signed | undefined;
  #keeping: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(settings: WitnessingSettings) {
    this.#settings = settings;
    const { directory, witnesses, allowPrivateHosts } = settings;
    this.#http = httpClient({ timeout: TIMEOUT, maxResponse: MAX_ANSWER, allowPrivateHosts });
    this.#asked = witnesses.map(({ url, key }) => {
      const verifier = parseWitnessKey(key);
      const note = readText(keptFile(directory, verifier)) ?? '';
      const [kept] = cosignaturesOf(note, [verifier]) ?? [];
      const opened = openCheckpoint(note, settings.own());
      const known = kept && opened.state === 'signed' ? { kept, head: opened.head } : undefined;
      return {
        url: url.replace(/\/*$/, ''),
        verifier,
        seen: known?.head.size ?? 0,
        time: known?.kept.time ?? 0,
        text: '',
        failures: 0,
        attempt: undefined,
        callOff: () => {},
      };
    });
  }

  /** Milliseconds since as many as there must be had cosigned; since the start if that was never. */
  get age(): number {
    const times = this.#asked.map(({ time }) => time).sort((one, other) => other - one);
    return Math.max(0, Date.now() - (times[this.#settings.quorum - 1] || this.#since));
  }

  /** How each witness stands, in the order of the configuration, and all of them. */
  get standing(): WitnessesStanding {
    const witnesses = this.#asked.map(({ verifier: { name }, time, failures }) => {
      return { name, time: time || undefined, answers: failures === 0 };
    });
    return { witnesses, quorum: { of: this.#settings.quorum, age: this.age / 1e3 } };
  }

  /** Has a checkpoint cosigned, as soon as each witness can. */
  ask(note: string, head: TreeHead): void {
    const { own, notice } = this.#settings;
    const { text = '', signatures = [] } = parseNote(note) ?? {};
    // Its cosignatures are renewed, and the old ones need not stay on it.
    const lines = signatures.filter((one) =>
      own().some(({ name, id }) => name === one.name && id === one.id),
    );
    this.#newest = { head, text, note: `${text}\n${lines.map(({ line }) => line).join('')}` };
    for (const one of this.#asked) {
      one.text = '';
      // One that is down is not asked more often because there is more to ask.
      if (one.failures === 0) this.#start(one);
    }
    for (const trouble of this.troubles) notice('quorum', trouble);
  }

  /** What somebody should look at, a sentence, once there has been no quorum for too long. */
  get troubles(): readonly string[] {
    const { quorum, patience } = this.#settings;
    if (this.age <= patience) return [];
    return [
      `fewer than ${quorum} witnesses have cosigned a checkpoint for ${Math.round(this.age / 60_000)} minutes`,
    ];
  }

  /** Gives those who are being asked two seconds, then asks nobody any more; waits until what was answered is on disk. Safe twice. */
  async close(): Promise<void> {
    for (const { callOff } of this.#asked) callOff();
    const asked = Promise.all(this.#asked.map(({ attempt }) => attempt));
    await withDeadline(asked, CLOSE_MILLIS, 'witnesses').catch(() => undefined);
    this.#closed = true;
    await this.#http.close();
    await this.#keeping;
  }

  #start(one: Asked): void {
    if (this.#closed) return;
    one.attempt ??= this.#attempt(one).finally(() => {
      one.attempt = undefined;
    });
  }

  async #attempt(one: Asked): Promise<void> {
    one.callOff();
    try {
      for (let turn = 0; turn < MAX_TURNS && this.#newest && one.text !== this.#newest.text; turn += 1)
        await this.#submit(one, this.#newest);
      one.failures = 0;
    } catch (error) {
      if (this.#closed) return;
      one.failures += 1;
      this.#settings.notice(
        `witness ${one.verifier.name}`,
        error instanceof Unwilling
          ? `the witness ${one.verifier.name} does not cosign: ${error.message}`
          : `the witness ${one.verifier.name} cannot be asked (${errorType(error)})`,
      );
      const wait = backOff(BACK_OFF, one.failures, systemClock.random);
      one.callOff = systemClock.after(wait, () => this.#start(one), 'background');
    }
  }

  async #submit(one: Asked, signed: Signed): Promise<void> {
    const { head } = signed;
    // It saw more than this checkpoint has, which is then not the newest.
    if (one.seen > head.size) one.seen = 0;
    const tiles = new TileReader(this.#settings.directory, head.size);
    const proof = consistencyProof(one.seen, head.size, (start, end) => tiles.root(start, end));
    const body = addCheckpointBody({ oldSize: one.seen, proof, note: signed.note });
    const { status, text } = await this.#http.post(new URL(`${one.url}/${ADD_CHECKPOINT}`), body, {
      'content-type': 'text/plain; charset=utf-8',
    });
    if (status === 200) return this.#take(one, signed, text);
    const size = status === 409 && /^(?:0|[1-9]\d{0,15})\n$/.test(text) ? Number(text) : undefined;
    if (size !== undefined && size <= head.size && size !== one.seen) {
      one.seen = size;
      return;
    }
    if (status === 422 || size !== undefined) await this.#compare(one);
    throw new Unwilling(
      size === undefined || size <= head.size
        ? `it answers with status ${status}`
        : `it says that it has cosigned ${size} records, of which there are ${head.size}: the ledger was set back, or the witness is wrong`,
    );
  }

  /** What it serves, signed by the ledger's own key, shows which of the two is wrong. */
  async #compare(one: Asked): Promise<void> {
    const { directory, own, origin, contradicted } = this.#settings;
    const path = `${hash('sha256', origin, 'hex')}/${CHECKPOINT_FILE}`;
    const { status, text } = await this.#http.get(new URL(`${one.url}/${path}`), {});
    const opened = status === 200 ? openCheckpoint(text, own()) : undefined;
    const size = this.#newest?.head.size ?? 0;
    if (opened?.state !== 'signed' || opened.head.origin !== origin) return;
    const tiles = new TileReader(directory, size);
    try {
      requireGrown(size, () => tiles.sizeRoot(opened.head.size), opened.head, 'a witness');
    } catch (error) {
      contradicted(error);
      // Nothing of this ledger is to be cosigned any more.
      this.#closed = true;
    }
  }

  async #take(one: Asked, signed: Signed, lines: string): Promise<void> {
    if (this.#closed) return;
    const [cosignature] = answeredCosignatures(signed.text, lines, [one.verifier]) ?? [];
    if (!cosignature) throw new Unwilling('what it answers is not its signature of this checkpoint');
    one.seen = signed.head.size;
    one.time = cosignature.time;
    one.text = signed.text;
    signed.note += cosignature.line;
    const { note } = signed;
    this.#keeping = this.#keeping.then(() => this.#keep(signed.text, note));
    await this.#keeping;
  }

  /** On the newest checkpoint, and for each witness on the newest that it has cosigned. */
  async #keep(text: string, note: string): Promise<void> {
    const { directory, cosigned, notice } = this.#settings;
    try {
      makeFolder(join(directory, WITNESSES_FOLDER));
      for (const one of this.#asked)
        if (one.text === text) await replaceFile(keptFile(directory, one.verifier), note);
      await cosigned(note);
    } catch (error) {
      notice('cosigned', `what a witness answered cannot be kept (${errorType(error)})`);
    }
  }
}

/** The newest checkpoint, and those that witnesses have cosigned last, as they are kept. Nothing in them is checked. */
export function keptCosigned(directory: string): string[] {
  return [CHECKPOINT_FILE, ...keptFiles(directory)].flatMap((file) => readText(join(directory, file)) ?? []);
}

/** The files, below a ledger's directory, of the checkpoints that witnesses have cosigned last. */
export function keptFiles(directory: string): string[] {
  return namesOf(join(directory, WITNESSES_FOLDER)).map((name) => `${WITNESSES_FOLDER}/${name}`);
}

/** A witness that answers, but not with a cosignature. */
class Unwilling extends Error {}

/** Below the ledger's directory: by the id of its key, what each witness has cosigned last. */
export const WITNESSES_FOLDER = 'witnesses';
/** Milliseconds of one request. */
const TIMEOUT = 10_000;
/** Bytes of an answer: a checkpoint and its signatures. */
const MAX_ANSWER = 131_072;
/** Requests after one another: a size that was not known, and checkpoints that came meanwhile. */
const MAX_TURNS = 5;
/** What an end of the service may take for the last checkpoint to be cosigned. */
const CLOSE_MILLIS = 2_000;
const BACK_OFF: Intervals = { initialInterval: 1_000, maxInterval: 300_000 };

function keptFile(directory: string, { id }: Verifier): string {
  return join(directory, WITNESSES_FOLDER, id);
}

function namesOf(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^[0-9a-f]{8}$/.test(name));
  } catch (error) {
    if (errorType(error) === 'ENOENT') return [];
    throw error;
  }
}
