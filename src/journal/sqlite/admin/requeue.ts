import { VconOtelError } from '../../../model/error.ts';
import type { Choice, Chosen } from '../../admin.ts';
import { deadLetterSeqs } from './dead-letters.ts';
import { TracerAnswers } from './entry.ts';
import type { JournalFile, StoredConsumer } from './journal-file.ts';
import { runsOfVcon } from './runs-of-vcon.ts';
import { STEP, step } from './short-steps.ts';

/**
 * Puts dead letters back into the queue of their tracer, with all attempts before them.
 * @throws VconOtelError `OPTIONS_INVALID` for an id that the journal does not have
 */
export function retry(file: JournalFile, place: StoredConsumer, choice: Choice): Promise<Chosen> {
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
export function skip(file: JournalFile, place: StoredConsumer, choice: Choice): Promise<Chosen> {
  const statement = file.db.prepare(
    `insert into delivery (consumer, seq, state, attempts, since, at, duration)
     values (:consumer, :seq, 'skipped', 0, :now, :now, 0)
     on conflict do update set state = 'skipped', at = excluded.at
     where state in ('retry', 'queued', 'dead', 'failed')`,
  );
  const { consumer } = place;
  const position = file.db.prepare('select position from consumer where consumer = ?');
  return change(file, place, choice, (seq, now) => {
    const answers = new TracerAnswers(file, place, { first: seq, last: seq });
    // Up to the position an event of which nothing is recorded is settled: the tracer had no position then, or does not hear
    // its chain.
    const isWaiting = !answers.isRecorded(seq) && seq > Number(position.get(consumer)?.position);
    return isWaiting || answers.hasRow(seq) ? statement.run({ consumer, seq, now }) : { changes: 0 };
  });
}

async function change(
  file: JournalFile,
  place: StoredConsumer,
  choice: Choice,
  set: (seq: number, now: number) => { readonly changes: number | bigint },
): Promise<Chosen> {
  let changed = 0;
  let left = 0;
  for (const seqs of choice.of === 'ids' ? pages(seqsOf(file, choice.ids)) : dead(file, place, choice)) {
    const changes = await step(file, () => {
      const now = file.clock.now();
      return seqs.reduce((sum, seq) => sum + Number(set(seq, now).changes), 0);
    });
    changed += changes;
    left += seqs.length - changes;
  }
  return { changed, left };
}

function* dead(
  file: JournalFile,
  place: StoredConsumer,
  choice: Exclude<Choice, { of: 'ids' }>,
): Generator<number[]> {
  const runs = choice.of === 'vcon' ? runsOfVcon(file, choice.uuid) : undefined;
  for (const seqs of deadLetterSeqs(file, place, STEP, choice)) {
    const wanted = runs ? seqs.filter((seq) => runs.has(runIdOf(file, seq))) : seqs;
    if (wanted.length > 0) yield wanted;
  }
}

function runIdOf({ pages }: JournalFile, seq: number): string {
  const found = pages.of(seq);
  return found?.page.runId(seq - found.first) ?? '';
}

/** An id without a slash is a run's. */
function seqsOf({ db, pages }: JournalFile, ids: readonly string[]): number[] {
  const run = db.prepare('select first, last from run where run_id = ?');
  const seqs = ids.flatMap((id) => {
    const slash = id.indexOf('/');
    const runId = slash < 0 ? id : id.slice(0, slash);
    const row = run.get(runId);
    const found: number[] = [];
    if (row)
      for (const { first, page } of pages.between(
        Number(row.first) - 1,
        Number(row.last ?? Number.MAX_SAFE_INTEGER),
      ))
        for (let at = 0; at < page.count; at += 1)
          if (page.runId(at) === runId && (slash < 0 || page.step(at) === id.slice(slash + 1)))
            found.push(first + at);
    if (found.length === 0)
      throw new VconOtelError('OPTIONS_INVALID', `the journal has no event or run ${id}`);
    return found;
  });
  return [...new Set(seqs)];
}

function* pages(seqs: readonly number[]): Generator<readonly number[]> {
  for (let from = 0; from < seqs.length; from += STEP) yield seqs.slice(from, from + STEP);
}
