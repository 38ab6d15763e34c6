import { hash } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { backOff, type Intervals } from '../../model/back-off.ts';
import { systemClock } from '../../model/clock.ts';
import { withDeadline } from '../../model/deadline.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import { PRIVATE_FOLDER } from '../../persistence/private-file.ts';
import { replaceFile } from '../../persistence/replace-file.ts';
import { readText } from '../directory.ts';
import type { MirrorStanding } from '../log/ledger-standing.ts';
import type { Verifier } from '../proof/note.ts';
import { Copier } from './copier.ts';
import { compareMirror, MirrorDiffers } from './mirrored.ts';
import type { MirrorPlace } from './place.ts';

/** What code passes to {@link Mirroring}. */
export interface MirroringSettings {
  readonly directory: string;
  readonly place: MirrorPlace;
  /** Of the ledger's own keys, as they are by then. */
  readonly own: () => readonly Verifier[];
  readonly origin: string;
  readonly notice: (about: string, text: string) => void;
  /** Hears what shows that the ledger is not what was mirrored. */
  readonly contradicted: (error: unknown) => void;
}

/**
 * Keeps a second copy of a ledger, beside everything else: nothing waits for it, and where it cannot be written it is tried again, and goes on from
 * where it is. Only what is signed is copied, and never a key.
 */
export class Mirroring {
  readonly #settings: MirroringSettings;
  readonly #ending = new AbortController();
  /** Remembers what was mirrored, since a disk that is not mounted looks like an empty one. */
  readonly #memory: string;
  #copier: Copier | undefined;
  #asked = false;
  #work: Promise<void> | undefined;
  #failures = 0;
  #callOff: () => void = () => {};
  /** When it had everything that was signed, as far as is known from before; milliseconds since the epoch. */
  #lastTime: number | undefined;
  /** Since when it lacks something; undefined while it does not. */
  #behindSince: number | undefined;
  #mirrored: number;

  constructor(settings: MirroringSettings) {
    this.#settings = settings;
    const { directory, place } = settings;
    this.#memory = join(directory, MEMORY_FOLDER, hash('sha256', place.name, 'hex').slice(0, 8));
    this.#lastTime = statSync(this.#memory, { throwIfNoEntry: false })?.mtimeMs;
    this.#mirrored = Number(readText(this.#memory) ?? 0) || 0;
  }

  /** What it lacks of a ledger of so many records, as far as is known. */
  standing(size: number): MirrorStanding {
    const since = this.#behindSince;
    return {
      place: this.#settings.place.name,
      records: Math.max(0, size - this.#mirrored),
      seconds: since === undefined ? 0 : Math.max(0, Date.now() - since) / 1e3,
    };
  }

  /** What somebody should look at, in sentences. */
  get troubles(): readonly string[] {
    const minutes = this.standing(0).seconds / 60;
    return minutes > LATE
      ? [`the mirror of a ledger has lacked something for ${Math.round(minutes)} minutes`]
      : [];
  }

  /** Has what is new copied, as soon as that can be done. @param size records that are signed */
  ask(size: number): void {
    this.#asked = true;
    if (size > this.#mirrored) this.#behindSince ??= this.#lastTime ?? Date.now();
    this.#lastTime = undefined;
    // A place that is down is not asked more often because there is more to copy.
    if (this.#failures === 0) this.#start();
  }

  /** Gives what is under way two seconds, then copies nothing any more. Safe twice. */
  async close(): Promise<void> {
    this.#callOff();
    await withDeadline(this.#work ?? Promise.resolve(), CLOSE_MILLIS, 'mirror').catch(() => undefined);
    this.#ending.abort();
    await this.#settings.place.close();
  }

  #start(): void {
    if (this.#ending.signal.aborted) return;
    this.#work ??= this.#attempt().finally(() => {
      this.#work = undefined;
      if (this.#asked && this.#failures === 0) this.#start();
    });
  }

  async #attempt(): Promise<void> {
    this.#callOff();
    const { notice, contradicted, place } = this.#settings;
    try {
      this.#asked = false;
      this.#copier ??= await this.#open();
      for (let isMore = true; isMore; ) {
        isMore = await this.#copier.step();
        await this.#remember(this.#copier.size);
      }
      if (this.#failures > 0) notice('mirror', `the mirror in ${place.name} has everything again`);
      this.#failures = 0;
      if (!this.#asked) this.#behindSince = undefined;
    } catch (error) {
      this.#copier = undefined;
      if (this.#ending.signal.aborted) return;
      this.#failures += 1;
      this.#behindSince ??= Date.now();
      if (error instanceof VconOtelError) contradicted(error);
      else notice('mirror', `the mirror in ${place.name} ${reasonOf(error)}`);
      const wait = backOff(BACK_OFF, this.#failures, systemClock.random);
      this.#callOff = systemClock.after(wait, () => this.#start(), 'background');
    }
  }

  async #open(): Promise<Copier> {
    const { directory, place, own, origin } = this.#settings;
    const mirrored = await compareMirror(directory, place, own(), origin);
    if (mirrored.size === 0 && this.#mirrored > 0)
      throw new MirrorDiffers(
        `it has nothing, but had ${this.#mirrored} records: is it mounted? To have everything copied anew, delete ${this.#memory}`,
      );
    this.#mirrored = mirrored.size;
    return new Copier(directory, place, mirrored, this.#ending.signal);
  }

  async #remember(size: number): Promise<void> {
    if (size === this.#mirrored && statSync(this.#memory, { throwIfNoEntry: false })) return;
    this.#mirrored = size;
    // Once it is closed nothing changes in the ledger's directory.
    if (size === 0 || this.#ending.signal.aborted) return;
    mkdirSync(join(this.#settings.directory, MEMORY_FOLDER), { recursive: true, mode: PRIVATE_FOLDER });
    await replaceFile(this.#memory, `${size}\n`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof MirrorDiffers
    ? `cannot go on: ${error.message}; nothing is overwritten (vcon-otel audit verify --mirror says more)`
    : `cannot be written (${errorType(error)}): it lacks what came since`;
}

/** Minutes after which it is told that the mirror lacks something. */
const LATE = 15;
/** Below the ledger's directory. */
const MEMORY_FOLDER = 'mirrors';
/** What an end of the service may take for the last records to be mirrored. */
const CLOSE_MILLIS = 2_000;
const BACK_OFF: Intervals = { initialInterval: 1_000, maxInterval: 300_000 };
