import { VconOtelError } from '../../../model/error.ts';
import type { ConsumerPlace, JournalFile } from './journal-file.ts';
import { runsOfVcon } from './runs-of-vcon.ts';
import { STEP, step } from './short-steps.ts';

/** Which events of a tracer an operator means: all its dead letters, those of a vCon, or single events and runs by id. */
export type Choice =
  | { readonly of: 'dead' }
  | { readonly of: 'vcon'; readonly uuid: string }
  | { readonly of: 'ids'; readonly ids: readonly string[] };

/** What became of the choice. */
export interface Chosen {
  readonly changed: number;
  /** Events that were chosen and left as they are. */
  readonly left: number;
}

/**
 * Puts dead letters back into the queue of their tracer, with all attempts before them.
 * @throws VconOtelError `OPTIONS_INVALID` for an id that the journal does not have
 */
export function queueAgain(file: JournalFile, place: ConsumerPlace, choice: Choice): Promise<Chosen> {
  const statement = file.db.prepare(
    `update delivery set state = 'queued', attempts = 0, since = :now, at = :now, duration = 0, error_type = null
     where consumer = :consumer and seq = :seq and state in ('dead', 'failed')`,
  );
  return change(file, place, choice, (seq, now) => statement.run({ consumer: place.consumer, seq, now }));
}

/**
 * Has a tracer never hear events that are waiting or among its dead letters.
 * @throws VconOtelError `OPTIONS_INVALID` for an id that the journal does not have
 */
export function skip(file: JournalFile, place: ConsumerPlace, choice: Choice): Promise<Chosen> {
  // Up to the position an event without a delivery is settled: the tracer had no place then, or does not hear its chain.
  const statement = file.db.prepare(
    `insert into delivery (consumer, seq, state, attempts, since, at, duration)
     select c.consumer, e.seq, 'skipped', 0, :now, :now, 0 from event e join consumer c
     left join delivery d on d.consumer = c.consumer and d.seq = e.seq
     where c.consumer = :consumer and e.seq = :seq and (d.seq is not null or e.seq > c.position)
     on conflict do update set state = 'skipped', at = excluded.at
     where state in ('retry', 'queued', 'dead', 'failed')`,
  );
  return change(file, place, choice, (seq, now) => statement.run({ consumer: place.consumer, seq, now }));
}

async function change(
  file: JournalFile,
  place: ConsumerPlace,
  choice: Choice,
  set: (seq: number, now: number) => { readonly changes: number | bigint },
): Promise<Chosen> {
  let changed = 0;
  let left = 0;
  for (const seqs of choice.of === 'ids' ? pages(seqsOf(file, choice.ids)) : dead(file, place, choice)) {
    const changes = await step(file, () => {
      const now = Date.now();
      return seqs.reduce((sum, seq) => sum + Number(set(seq, now).changes), 0);
    });
    changed += changes;
    left += seqs.length - changes;
  }
  return { changed, left };
}

/** Upwards, so that an event that dies again meanwhile is not met again. */
function* dead(
  file: JournalFile,
  { consumer }: ConsumerPlace,
  choice: Exclude<Choice, { of: 'ids' }>,
): Generator<number[]> {
  const runs = choice.of === 'vcon' ? JSON.stringify(runsOfVcon(file, choice.uuid)) : null;
  const statement = file.db.prepare(
    `select d.seq from delivery d join event e using (seq)
     where d.consumer = :consumer and d.seq > :after and d.state in ('dead', 'failed') and d.state <> 'ok'
       and (:runs is null or e.run in (select value from json_each(:runs)))
     order by d.seq limit ${STEP}`,
  );
  for (let after = 0; ; ) {
    const seqs = statement.all({ consumer, after, runs }).map(({ seq }) => Number(seq));
    if (seqs.length > 0) yield seqs;
    if (seqs.length < STEP) return;
    after = seqs.at(-1) ?? after;
  }
}

/** An id without a slash is a run's. */
function seqsOf({ db }: JournalFile, ids: readonly string[]): number[] {
  const ofRun = db.prepare('select e.seq from event e join run r using (run) where r.run_id = ?');
  const ofEvent = db.prepare(
    'select e.seq from event e join run r using (run) where r.run_id = ? and e.step = ?',
  );
  const seqs = ids.flatMap((id) => {
    const slash = id.indexOf('/');
    const rows = slash < 0 ? ofRun.all(id) : ofEvent.all(id.slice(0, slash), id.slice(slash + 1));
    if (rows.length === 0)
      throw new VconOtelError('OPTIONS_INVALID', `the journal has no event or run ${id}`);
    return rows.map(({ seq }) => Number(seq));
  });
  return [...new Set(seqs)];
}

function* pages(seqs: readonly number[]): Generator<readonly number[]> {
  for (let from = 0; from < seqs.length; from += STEP) yield seqs.slice(from, from + STEP);
}
