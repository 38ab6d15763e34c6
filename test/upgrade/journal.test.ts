import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { runInProcess } from '../cli/in-process.ts';
import type { Request } from '../fixtures/0.1/conserver.ts';
import { FIXTURES, fixture, folderOfTest, type HeardByRun, hear, startUpgraded } from './upgraded.ts';

/** What was sent to 0.1, before and after it was started anew, and what its tracers heard from then on. */
interface Kept {
  readonly settle: number;
  readonly chains: Readonly<Record<string, { links: string[]; storages?: string[] }>>;
  readonly sent: readonly Request[];
  readonly heard: Readonly<Record<string, HeardByRun>>;
  /** What one of them had given up. */
  readonly dead: readonly string[];
}

test('each tracer hears of a journal of 0.1 what it would have heard under 0.1, and its dead letters stay', async () => {
  const { settle, chains, sent, heard, dead } = await fixture<Kept>('journal.json');
  const folder = await folderOfTest();
  const journal = join(folder, 'journal.db');
  await copyFile(join(FIXTURES, 'journal.db'), journal);
  stoppedJustNow(journal);
  const names = ['answers', 'answers_false', 'fails', 'refuses', 'hangs'];
  const told = hear(names);
  const service = await startUpgraded({
    chains,
    tracers: told.tracers,
    journal: { type: 'sqlite', path: journal, retention: '10000d' },
    receivers: { http: { port: 0 }, assembler: { settle: `${settle}ms` } },
  });
  for (const { path, body } of sent) expect(await service.post(path, body)).toBe(200);
  await service.settled();
  const { receivers, tracers } = service.tracing.stats();
  await service.tracing.shutdown();

  expect(told.heard()).toEqual(heard);
  // The spans of the run that was over when 0.1 stopped.
  expect(receivers?.issues).toEqual({ late_span: 4 });
  for (const name of names) expect(tracers[name]).toMatchObject({ pending: 0, dead: 0 });
  const { stdout } = await runInProcess(['queue', 'dead', '--journal', journal, '--limit', '0', '--json']);
  const { events } = JSON.parse(stdout) as { events: { tracer: string; event_id: string }[] };
  expect(events.filter(({ tracer }) => tracer === 'refuses').map(({ event_id }) => event_id)).toEqual(dead);
});

/** What 0.1 has told is remembered for an hour: here it has stopped within that, whenever this test runs. */
function stoppedJustNow(journal: string): void {
  const db = new DatabaseSync(journal);
  db.prepare(
    'update inbox set body = json_set(body, \'$.run.at\', ?) where body like \'{"kind":"closed"%\'',
  ).run(Date.now());
  db.close();
}
