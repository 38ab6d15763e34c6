import { lastOf } from './entry.ts';
import { consumerOf, type JournalFile } from './journal-file.ts';
import { runsOfVcon } from './runs-of-vcon.ts';
import { STEP, step } from './short-steps.ts';

/** What a tracer is to hear again, or for the first time. */
export interface ReplayAim {
  readonly tracer: string;
  /** Events that happened from here on, milliseconds since the Unix epoch. */
  readonly since: number | undefined;
  /** And before this. */
  readonly until: number | undefined;
  /** Of the runs that this vCon entered, left or passed through. */
  readonly vcon: string | undefined;
}

/** What a replay comes to. */
export interface ReplayPlan {
  /** Events to be queued. */
  readonly events: number;
  /** Events of the same choice that the tracer has still to hear anyway. */
  readonly waiting: number;
  /** The journal has no place for the tracer yet. */
  readonly isNew: boolean;
}

/** What became of the events of a replay. `gone`: removed from the journal meanwhile. */
export type Replayed = Readonly<
  Record<'queued' | 'retrying' | 'ok' | 'failed' | 'dead' | 'skipped' | 'dropped' | 'gone', number>
>;

const SETTLED = `case when d.state is null then e.seq <= :position else d.state not in ('retry', 'queued') end`;

const CHOSEN = `from event e left join delivery d on d.consumer = :consumer and d.seq = e.seq
  where e.seq > :after and e.seq <= :last and e.time >= :since and e.time < :until
    and (:runs is null or e.run in (select value from json_each(:runs)))`;

/** Counts what a {@link Replay} would queue. */
export function planReplay(file: JournalFile, aim: ReplayAim): ReplayPlan {
  const found = consumerOf(file, aim.tracer);
  const range = rangeOf(file, aim);
  const row = file.db
    .prepare(`select count(*) as found, coalesce(sum(${SETTLED}), 0) as settled ${CHOSEN}`)
    .get({ ...range, consumer: found?.consumer ?? -1, position: found?.position ?? range.last, after: 0 });
  const events = Number(row?.settled);
  return { events, waiting: Number(row?.found) - events, isNew: found === undefined };
}

/** Queues events that a tracer has settled, or never had, and knows what becomes of them. */
export class Replay {
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
   * Queues the events, in short steps. A tracer that is new to the journal gets its place.
   * @returns after each step, how many are queued so far
   */
  async *queue(): AsyncGenerator<number> {
    const { db } = this.#file;
    const { tracer } = this.#aim;
    const range = rangeOf(this.#file, this.#aim);
    await step(this.#file, () =>
      db
        .prepare('insert into consumer (name, position) values (?, ?) on conflict do nothing')
        .run(tracer, lastOf(this.#file)),
    );
    const { consumer = -1, position = 0 } = consumerOf(this.#file, tracer) ?? {};
    this.#consumer = consumer;
    const select = db.prepare(`select e.seq ${CHOSEN} and ${SETTLED} order by e.seq limit ${STEP}`);
    const insert = db.prepare(
      `insert into delivery (consumer, seq, state, attempts, since, at, duration)
       select :consumer, seq, 'queued', 0, :now, :now, 0 from event where seq = :seq
       on conflict do update set state = 'queued', attempts = 0, since = excluded.since, at = excluded.at,
         duration = 0, error_type = null
       where state not in ('retry', 'queued')`,
    );
    const note = db.prepare('insert into temp.replayed (seq) values (?) on conflict do nothing');
    let queued = 0;
    for (let after = 0; ; ) {
      const seqs = select.all({ ...range, consumer, position, after }).map(({ seq }) => Number(seq));
      await step(this.#file, () => {
        const now = Date.now();
        for (const seq of seqs)
          if (Number(insert.run({ consumer, seq, now }).changes) > 0) {
            note.run(seq);
            queued += 1;
          }
      });
      yield queued;
      if (seqs.length < STEP) return;
      after = seqs.at(-1) ?? after;
    }
  }

  /** What has become of the events so far. */
  look(): Replayed {
    const rows = this.#file.db
      .prepare(
        `select case when d.state is null then 'gone' when d.state in ('retry', 'queued') and d.attempts > 0 then 'retrying'
           when d.state = 'retry' then 'queued' else d.state end as state, count(*) as found
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
  failed: 0,
  dead: 0,
  skipped: 0,
  dropped: 0,
  gone: 0,
};

function rangeOf(file: JournalFile, { since, until, vcon }: ReplayAim) {
  return {
    since: since ?? -Infinity,
    until: until ?? Infinity,
    last: lastOf(file),
    runs: vcon === undefined ? null : JSON.stringify(runsOfVcon(file, vcon)),
  };
}
