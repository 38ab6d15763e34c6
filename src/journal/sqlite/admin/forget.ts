import type { JournalFile, StoredConsumer } from './journal-file.ts';
import { STEP, step } from './short-steps.ts';

/**
 * Removes a tracer's place, in short steps. Its position goes to the end of the log first: whatever becomes of this process, nothing of
 * what is gone is taken for an event that it has yet to hear.
 */
export async function forget(file: JournalFile, { consumer }: StoredConsumer): Promise<void> {
  const { sql } = file;
  await step(file, () =>
    sql.run(
      'update consumer set position = max(position, coalesce((select max(last) from page), 0)) where consumer = ?',
      consumer,
    ),
  );
  for (const [table, key] of [
    ['delivery', 'seq'],
    ['heard', 'block'],
  ] as const) {
    const remove = sql.prepare(
      `delete from ${table} where consumer = :consumer and ${key} in
         (select ${key} from ${table} where consumer = :consumer order by ${key} limit ${STEP})`,
    );
    while ((await step(file, () => Number(remove.run({ consumer }).changes))) > 0);
  }
  await step(file, () => {
    // What a service has noted meanwhile.
    for (const table of ['delivery', 'heard', 'consumer'])
      sql.run(`delete from ${table} where consumer = ?`, consumer);
  });
}
