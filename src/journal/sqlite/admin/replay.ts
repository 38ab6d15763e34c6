import type { Replay, ReplayAim, Replayed, ReplayPlan } from '../../admin.ts';
import { lastOf, TracerAnswers } from './entry.ts';
import { consumerOf, type JournalFile, type StoredConsumer } from './journal-file.ts';
import { runsOfVcon } from './runs-of-vcon.ts';
import { STEP, step } from './short-steps.ts';

/** Counts what a {@link SqliteReplay} would queue. */
export function planReplay(file: JournalFile, aim: ReplayAim): ReplayPlan {
  const found = consumerOf(file, aim.tracer);
  const last = lastOf(file);
  const place = found ?? { consumer: -1, name: aim.tracer, position: last };
  let events = 0;
  let waiting = 0;
  for (const { isSettled } of chosen(file, aim, place, last)) {
    if (isSettled) events += 1;
    else waiting += 1;
  }
  return { events, waiting, isNew: found === undefined };
}

/** Queues events that a tracer has settled, or never had, and knows what becomes of them. */
export class SqliteReplay implements Replay {
  readonly #file: JournalFile;
  readonly #aim: ReplayAim;
  #consumer = -1;

  /** Events up to the present end of the log are meant. */
  constructor(file: JournalFile, aim: ReplayAim) {
    this.#file = file;
    this.#aim = aim;
    file.db.exec('create temp table replayed (seq integer primary key)');
  }

  /**
   * Queues the events, in short steps. A tracer that is new to the journal gets its position.
   * @returns after each step, how many are queued so far
   */
  async *queue(): AsyncGenerator<number> {
    const { db } = this.#file;
    const { tracer } = this.#aim;
    const last = lastOf(this.#file);
    await step(this.#file, () =>
      db
        .prepare('insert into consumer (name, position) values (?, ?) on conflict do nothing')
        .run(tracer, last),
    );
    const place = consumerOf(this.#file, tracer) ?? { consumer: -1, name: tracer, position: last };
    this.#consumer = place.consumer;
    const insert = db.prepare(
      `insert into delivery (consumer, seq, state, attempts, since, at, duration)
       select :consumer, :seq, 'queued', 0, :now, :now, 0
       where exists (select 1 from page where first <= :seq and last >= :seq)
       on conflict do update set state = 'queued', attempts = 0, since = excluded.since, at = excluded.at,
         duration = 0, error_type = null
       where state not in ('retry', 'queued')`,
    );
    const note = db.prepare('insert into temp.replayed (seq) values (?) on conflict do nothing');
    let queued = 0;
    const change = (seqs: readonly number[]) =>
      step(this.#file, () => {
        const now = this.#file.clock.now();
        for (const seq of seqs)
          if (Number(insert.run({ consumer: place.consumer, seq, now }).changes) > 0) {
            note.run(seq);
            queued += 1;
          }
      });
    let seqs: number[] = [];
    for (const { seq, isSettled } of chosen(this.#file, this.#aim, place, last)) {
      if (!isSettled) continue;
      seqs.push(seq);
      if (seqs.length < STEP) continue;
      await change(seqs);
      seqs = [];
      yield queued;
    }
    await change(seqs);
    yield queued;
  }

  /** What has become of the events so far. */
  async look(): Promise<Replayed> {
    const rows = this.#file.db
      .prepare(
        `select case when d.state is null then 'gone' when d.state in ('retry', 'queued') and d.attempts > 0 then 'retrying'
           when d.state = 'retry' then 'queued' when d.state = 'failed' then 'dead' else d.state end as state, count(*) as found
         from temp.replayed r left join delivery d on d.consumer = ? and d.seq = r.seq group by 1`,
      )
      .all(this.#consumer);
    return {
      ...NOTHING,
      ...Object.fromEntries(rows.map(({ state, found }) => [String(state), Number(found)])),
    };
  }
}

const NOTHING: Replayed = {
  queued: 0,
  retrying: 0,
  ok: 0,
  dead: 0,
  skipped: 0,
  dropped: 0,
  gone: 0,
};

/** The events that are meant, each with whether the tracer has settled it or never had it. */
function* chosen(
  file: JournalFile,
  { since, until, vcon }: ReplayAim,
  place: StoredConsumer,
  last: number,
): Generator<{ readonly seq: number; readonly isSettled: boolean }, void, undefined> {
  const runs = vcon === undefined ? undefined : runsOfVcon(file, vcon);
  for (const { first, last: end, page } of file.pages.between(0, last)) {
    const answers = new TracerAnswers(file, place, { first, last: end });
    for (let seq = first; seq <= Math.min(end, last); seq += 1) {
      const time = page.time(seq - first);
      if (time < (since ?? -Infinity) || time >= (until ?? Infinity)) continue;
      if (runs && !runs.has(page.runId(seq - first))) continue;
      yield { seq, isSettled: answers.isRecorded(seq) ? !answers.isOpen(seq) : seq <= place.position };
    }
  }
}
