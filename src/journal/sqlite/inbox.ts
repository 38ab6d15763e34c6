import { eventsLost } from '../events-lost.ts';
import type { Inbox, InboxEntry } from '../inbox.ts';
import type { GroupCommit } from './group-commit.ts';
import { bodiesOf } from './input-block.ts';
import type { PatientWriter } from './patient-writer.ts';

/** The input log in the file of the journal: written in one order with events, by the same transactions. */
export class SqliteInbox implements Inbox {
  readonly #writer: PatientWriter;
  readonly #commits: GroupCommit;
  #lowWatermark: number;
  /** Of the next entry. */
  #place: number;

  /** Finds out where the input log begins and ends. */
  static async open(writer: PatientWriter, commits: GroupCommit): Promise<SqliteInbox> {
    const found = await writer.ask({ ask: 'input' });
    return new SqliteInbox(writer, commits, found ?? { lowWatermark: 1, end: 1 });
  }

  private constructor(
    writer: PatientWriter,
    commits: GroupCommit,
    { lowWatermark, end }: { readonly lowWatermark: number; readonly end: number },
  ) {
    this.#writer = writer;
    this.#commits = commits;
    this.#lowWatermark = lowWatermark;
    this.#place = end;
  }

  append(bodies: readonly Uint8Array[]): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const place = this.#place;
    this.#place += bodies.length;
    this.#commits.write({
      kind: 'entries',
      place,
      bodies,
      written: { done: () => resolve(place), lost: () => reject(eventsLost()) },
    });
    return promise;
  }

  async read(from: number, bytes: number): Promise<readonly InboxEntry[]> {
    const first = Math.max(from, this.#lowWatermark);
    const found = await this.#writer.ask({ ask: 'entries', from: first, bytes });
    return (found?.blocks ?? [])
      .flatMap(({ place, count, block }) =>
        bodiesOf(block, count).map((body, index) => ({ place: place + index, body })),
      )
      .filter(({ place }) => place >= first);
  }

  get lowWatermark(): number {
    return this.#lowWatermark;
  }

  advance(to: number): void {
    if (to <= this.#lowWatermark) return;
    this.#lowWatermark = to;
    this.#commits.write({ kind: 'advance', to });
  }
}
