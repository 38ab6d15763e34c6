import { existsSync } from 'node:fs';
import type { Clock } from '../../model/clock.ts';
import type { ErasedVcon, Mention } from '../../model/erasure.ts';
import { VconOtelError } from '../../model/error.ts';
import type {
  Choice,
  Chosen,
  EntryWithout,
  JournalAdmin,
  JournalEntry,
  Replay,
  ReplayAim,
  ReplayPlan,
  RunFilter,
  StoredRuns,
  TailSettings,
  TracerPlace,
  WhichDead,
} from '../admin.ts';
import { eraseInJournal, mentionsInJournal } from './admin/erase.ts';
import { deadLetters, eventsToHear } from './admin/event-lists.ts';
import { forget } from './admin/forget.ts';
import {
  type Access,
  consumerOf,
  consumersOf,
  isServed,
  type JournalFile,
  openJournalFile,
  type StoredConsumer,
  unusable,
} from './admin/journal-file.ts';
import { planReplay, SqliteReplay } from './admin/replay.ts';
import { retry, skip } from './admin/requeue.ts';
import { storedRuns } from './admin/stored-runs.ts';
import { tailJournal } from './admin/tail.ts';
import { tracerStats } from './admin/tracer-stats.ts';
import { folderBeside } from './beside.ts';

/**
 * The administration of a journal in a SQLite file, by a connection of its own. Events are read in pages and changed in short
 * transactions, so that the service is never held up; what is changed are rows of `delivery`, which the service notices
 * (writer/schema.ts).
 */
export class SqliteAdmin implements JournalAdmin {
  readonly name: string;
  readonly beside: string;
  readonly #clock: Clock;
  /** Opened when it is first wanted, to be read or to be written. */
  readonly #files = new Map<Access, JournalFile>();

  constructor(path: string, clock: Clock) {
    this.name = path;
    this.beside = folderBeside(path);
    this.#clock = clock;
  }

  async isServed(): Promise<boolean> {
    return this.#use('read', isServed);
  }

  async tracers(): Promise<readonly string[]> {
    return this.#use('read', (file) => consumersOf(file).map(({ name }) => name));
  }

  async stats(tracer: string): Promise<TracerPlace> {
    return this.#use('read', (file) => tracerStats(file, place(file, tracer)));
  }

  eventsToHear(tracer: string, limit: number): AsyncIterable<JournalEntry> {
    return this.#each((file) => eventsToHear(file, place(file, tracer), limit));
  }

  deadLetters(tracer: string, limit: number, which: WhichDead = {}): AsyncIterable<JournalEntry> {
    return this.#each((file) => deadLetters(file, place(file, tracer), limit, which));
  }

  async retry(tracer: string, choice: Choice): Promise<Chosen> {
    return this.#use('write', (file) => retry(file, place(file, tracer), choice));
  }

  async skip(tracer: string, choice: Choice): Promise<Chosen> {
    return this.#use('write', (file) => skip(file, place(file, tracer), choice));
  }

  async forget(tracer: string): Promise<void> {
    await this.#use('write', (file) => forget(file, place(file, tracer)));
  }

  async planReplay(aim: ReplayAim): Promise<ReplayPlan> {
    return this.#use('read', (file) => planReplay(file, aim));
  }

  async replay(aim: ReplayAim): Promise<Replay> {
    const replay = await this.#use('write', (file) => new SqliteReplay(file, aim));
    return {
      queue: () => this.#guarded('write', replay.queue()),
      look: () => this.#use('write', () => replay.look()),
    };
  }

  async runs(filter: RunFilter): Promise<StoredRuns> {
    const { older, runs } = await this.#use('read', (file) => storedRuns(file, filter));
    return { older, runs: this.#each(() => runs) };
  }

  async mentions(vcon: ErasedVcon, without: EntryWithout): Promise<readonly Mention[]> {
    if (!existsSync(this.name)) return [];
    return this.#use('read', (file) => mentionsInJournal(file, vcon, without));
  }

  async erase(vcon: ErasedVcon, pseudonym: string, without: EntryWithout): Promise<void> {
    if (!existsSync(this.name)) return;
    await this.#use('write', (file) => eraseInJournal(file, vcon, pseudonym, without));
  }

  tail(settings: TailSettings): Promise<void> {
    return tailJournal(this.name, this.#clock, settings);
  }

  async close(): Promise<void> {
    for (const { db } of this.#files.values()) db.close();
    this.#files.clear();
  }

  async #use<T>(access: Access, work: (file: JournalFile) => T | Promise<T>): Promise<T> {
    try {
      return await work(this.#file(access));
    } catch (error) {
      throw unusable(this.name, access, error);
    }
  }

  #each<T>(items: (file: JournalFile) => Iterable<T>): AsyncIterable<T> {
    const all = async function* (file: Promise<JournalFile>): AsyncGenerator<T> {
      yield* items(await file);
    };
    return this.#guarded('read', all(this.#use('read', (file) => file)));
  }

  /** Explains what the file, and not whoever gets the items, is at fault for. */
  async *#guarded<T>(access: Access, items: AsyncGenerator<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      throw unusable(this.name, access, error);
    }
  }

  #file(access: Access): JournalFile {
    let file = this.#files.get(access);
    if (!file) {
      file = openJournalFile(this.name, access, this.#clock);
      this.#files.set(access, file);
    }
    return file;
  }
}

function place(file: JournalFile, tracer: string): StoredConsumer {
  const found = consumerOf(file, tracer);
  if (!found) throw new VconOtelError('OPTIONS_INVALID', `the journal knows no tracer ${tracer}`);
  return found;
}
