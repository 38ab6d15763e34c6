import { dirname } from 'node:path';
import { makeFolder } from '../../../persistence/make-folder.ts';
import { requirePlainFile } from '../../../persistence/plain-file.ts';
import { isCorrupt } from '../../../persistence/sqlite-error.ts';
import type { Notice, WriterData } from '../messages.ts';
import { BESIDE, followLinks, identityOf, readThrough, setAside, writeBack } from './file.ts';
import { HighWater, lossSince, type Mark } from './high-water.ts';
import { Housekeeping } from './housekeeping.ts';
import { lock } from './lock.ts';
import type { ConsumerId } from './schema.ts';
import { Store } from './store.ts';

/** Milliseconds of each turn that removing may take. */
const TIDY_TIME = 20;
/** Milliseconds between two tries to write a file again that was deleted. */
const RESTORE_PAUSE = 5_000;
/** How often opening is tried: as the file is, opened anew, and when it was set aside. */
const TRIES = 3;

export interface KeptFileSettings {
  say(notice: Notice): void;
  /** Milliseconds on a clock that nobody sets, by which work is divided. */
  elapsed(): number;
}

/**
 * The file of a journal, kept usable whatever happens to it. After an error nothing more is done on that handle: it is
 * abandoned, and the file opened anew. A file that is corrupt, and is so still when it is opened anew, is set aside; one that
 * was deleted is written again from the handle that is still open.
 */
export class KeptFile {
  /** The consumers that are there. */
  readonly consumers: Map<ConsumerId, string>;
  /** As the last request said. */
  time: WriterData['time'];
  readonly #data: WriterData;
  readonly #settings: KeptFileSettings;
  readonly #path: string;
  #held: ReturnType<typeof lock>;
  readonly #highWater: HighWater;
  #store: Store | undefined;
  #housekeeping: Housekeeping | undefined;
  #identity = '';
  #last: number;
  #id = '';
  #version: number | undefined;
  #restoreAfter = 0;
  /** It was corrupt the last time. */
  #isSuspect = false;
  /** It was corrupt, and another one has begun. */
  #isAside = false;

  /** Opens it. @throws VconOtelError `FILE_UNUSABLE`, `JOURNAL_IN_USE`; SQLite's and the system's own errors */
  constructor(data: WriterData, settings: KeptFileSettings) {
    this.#data = data;
    this.#settings = settings;
    this.#path = followLinks(data.path);
    this.#last = data.last;
    this.consumers = new Map(data.consumers);
    this.time = data.time;
    for (const end of ['', ...BESIDE]) requirePlainFile(this.#path + end);
    makeFolder(dirname(this.#path));
    this.#held = lock(this.#path);
    this.#highWater = new HighWater(this.#path);
    try {
      this.#compare(this.#highWater.read(), this.#open());
    } catch (error) {
      this.#held.release();
      throw error;
    }
  }

  /** The seq of the newest event. */
  get last(): number {
    return this.#last;
  }

  /** See `Journal`. */
  get id(): string {
    return this.#id;
  }

  /** How full it is, 1 being its limit. */
  get usage(): number {
    return this.#housekeeping?.usage ?? 0;
  }

  /** Does something with the file, which is opened or written again before if it has to be. */
  use<T>(work: (store: Store) => T): T {
    // What is written to a file that is not there would be durable only until the process ends.
    if (this.#store && this.#isGone()) this.#restore(this.#store);
    const store = this.#store ?? this.#open();
    const result = work(store);
    this.#last = store.last;
    this.#isSuspect = false;
    this.#highWater.write(markOf(store));
    return result;
  }

  /** Recovers from an error of the file. @returns the reason why trying again at once is pointless, if it is */
  obstacle(error: unknown): unknown {
    try {
      if (isCorrupt(error)) {
        this.#abandon();
        this.#doubt();
        return undefined;
      }
      // The only copy of a file that was deleted is behind this handle, which therefore stays open.
      if (this.#store && this.#isGone()) {
        if (this.time.elapsed < this.#restoreAfter) return error;
        this.#restore(this.#store);
        return undefined;
      }
      this.#abandon();
      return error;
    } catch (reason) {
      return reason;
    }
  }

  /** Looks at the file, at what others have written, and at what can be removed. */
  turn(): void {
    this.#cared(() => {
      const store = this.#store;
      if (!store) return;
      if (this.#isGone()) {
        if (this.time.elapsed >= this.#restoreAfter) this.#restore(store);
        return;
      }
      const found = store.dataVersion;
      if (found !== this.#version) {
        this.#reinstate(store);
        this.#settings.say({ notice: 'changed' });
      }
      this.#version = found;
      this.#housekeeping?.tidy([...this.consumers.keys()], this.time, TIDY_TIME);
      this.#housekeeping?.pack(TIDY_TIME);
    });
  }

  /** Consumers dropped events: there may be something to remove. */
  gaveUp(): void {
    this.#housekeeping?.gaveUp();
  }

  /** Work that is due after a request and that nobody waits for. */
  answered(): void {
    this.#cared(() => {
      for (const { first, last } of this.#store?.removeLost() ?? [])
        this.#settings.say({
          notice: 'lost',
          detail: `events ${first} to ${last} of the journal cannot be read: ${last - first + 1} events are lost`,
        });
      this.#store?.checkpoint();
      if (this.#housekeeping?.wasCrowded) this.#housekeeping.tidy([...this.consumers.keys()], this.time, 0);
    });
  }

  close(): void {
    try {
      if (this.#store && this.#isGone()) this.#restore(this.#store);
      this.#store?.close();
    } catch {
      // What closing could not do is done when the file is opened again.
    }
    this.#store = undefined;
    this.#highWater.close();
    this.#held.release();
  }

  /** Says what is gone since the last process, where that is not said already. */
  #compare(mark: Mark | undefined, store: Store): void {
    const loss = mark && !this.#isAside ? lossSince(mark, markOf(store)) : undefined;
    if (loss !== undefined) this.#settings.say({ notice: 'went_back', detail: `the journal: ${loss}` });
    this.#highWater.write(markOf(store));
  }

  /** Does something and recovers from an error. */
  #cared(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.obstacle(error);
    }
  }

  #open(tries = TRIES): Store {
    try {
      return this.#openFile();
    } catch (error) {
      if (!isCorrupt(error) || tries === 1) throw error;
      this.#doubt();
      return this.#open(tries - 1);
    }
  }

  #openFile(): Store {
    makeFolder(dirname(this.#path));
    const store = new Store(this.#path, this.#last);
    try {
      // Nobody knows how the last synchronisation of an earlier process ended; the last one of this process has failed.
      store.renewLog(this.#version !== undefined);
      this.#reinstate(store);
      this.#housekeeping = new Housekeeping(store, { ...this.#data, ...this.#settings }, this.time);
      // A connection does not see what was written between it and the one before.
      if (this.#version !== undefined) this.#settings.say({ notice: 'changed' });
      this.#version = store.dataVersion;
    } catch (error) {
      store.abandon();
      throw error;
    }
    this.#identity = identityOf(this.#path);
    this.#last = store.last;
    this.#id = store.id;
    this.#store = store;
    return store;
  }

  /** Gives the consumers that are there a place, where it is another file, or an operator has removed it. */
  #reinstate(store: Store): void {
    store.transaction(() => {
      for (const [consumer, name] of this.consumers) store.reinstate(name, consumer);
    });
  }

  #abandon(): void {
    try {
      this.#store?.abandon();
    } catch {
      // It is not used again in any case.
    }
    this.#store = undefined;
    this.#housekeeping = undefined;
  }

  /** SQLite calls the file corrupt, which it also does after a single failed read: only the second time counts. */
  #doubt(): void {
    if (this.#isSuspect) this.#putAside();
    this.#isSuspect = !this.#isSuspect;
  }

  #putAside(): void {
    readThrough(this.#path);
    const aside = setAside(this.#path, 'corrupt', this.time.now);
    this.#isAside = true;
    this.#settings.say({ notice: 'corrupt', detail: `a corrupt journal was set aside as ${aside}` });
  }

  #isGone(): boolean {
    return identityOf(this.#path) !== this.#identity;
  }

  #restore(from: Store): void {
    this.#restoreAfter = this.time.elapsed + RESTORE_PAUSE;
    makeFolder(dirname(this.#path));
    // Gone with the folder, if that was deleted. Another service may have it by now.
    if (!this.#held.holds()) {
      const next = lock(this.#path);
      this.#held.release();
      this.#held = next;
    }
    writeBack(from.db, this.#path, this.#identity, this.time.now);
    this.#abandon();
    this.#settings.say({
      notice: 'replaced',
      detail: 'the journal was deleted or replaced, and has been written again',
    });
  }
}

function markOf({ id, last, input }: Store): Mark {
  return { id, last, end: input.end };
}
