import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { migrate, SCHEMA_VERSION } from '../../src/journal/sqlite/writer/schema.ts';
import { startChild } from './child.ts';
import { jsonOf } from './command-line.ts';
import { type Fault, type Injection, require, runFaults } from './fault.ts';
import { attemptsIn, contentOf, journalOf1, versionOf } from './journal-of-schema-1.ts';
import { keptInJournal } from './kept-in-journal.ts';
import { startServed } from './served.ts';
import { migrateTo2, PLACES } from './upgrade-child.ts';

/** A journal of the first released schema. */
export const upgrade: Fault = {
  name: 'upgrade',
  title: 'a journal of the first released schema is opened, and a migration of it is cut off',
  inject: async (injection) => {
    await opened(injection);
    await cutOff(injection);
  },
};

const RUN = [
  'chain/start',
  'link/0/start',
  'link/0/complete',
  'link/1/start',
  'link/1/complete',
  'storage/archive/start',
  'storage/archive/complete',
  'chain/complete',
];

/** What each tracer has still to hear, by the number of the run. */
const TO_HEAR: Readonly<Record<string, Readonly<Record<number, readonly string[]>>>> = {
  audit: {},
  jlinc: { 4: ['storage/archive/start'], 5: RUN.slice(1), 6: ['chain/complete'] },
  compliance: { 1: RUN, 2: RUN, 3: RUN, 4: RUN, 5: RUN, 6: RUN },
};

/** How they stand when they have. */
const HEARD = [
  { tracer: 'audit', depth: 0, retrying: 0, queued: 0, dead_letters: 0, ok: 48, skipped: 0, dropped: 0 },
  { tracer: 'compliance', depth: 0, retrying: 0, queued: 0, dead_letters: 0, ok: 48, skipped: 0, dropped: 0 },
  { tracer: 'jlinc', depth: 0, retrying: 0, queued: 0, dead_letters: 2, ok: 45, skipped: 1, dropped: 0 },
];

/** A service delivers what was pending. */
async function opened({ folder, say }: Injection): Promise<void> {
  const journal = journalOf1(join(folder, 'opened.db'));
  const tried = attemptsIn(journal, 'retry');
  const tracers = { audit: {}, jlinc: {}, compliance: {} };
  const service = await startServed(folder, { journal, retention: '36500d', tracers });
  const { issues } = await service.caughtUp();
  require(Object.keys(issues).length === 0, () => `there were issues: ${JSON.stringify(issues)}`);
  await service.end();
  const heard: Record<string, Record<number, string[]>> = { audit: {}, jlinc: {}, compliance: {} };
  for (const message of service.child.messages) {
    if (!('heard' in message)) continue;
    const runs = heard[message.by] ?? {};
    runs[message.run] = [...(runs[message.run] ?? []), message.step];
  }
  for (const [tracer, runs] of Object.entries(TO_HEAR))
    require(isDeepStrictEqual(heard[tracer], runs), () => `${tracer} heard ${JSON.stringify(heard[tracer])}`);
  const stats = (await jsonOf(['queue', 'stats', '--journal', journal, '--json'])) as { tracers: object[] };
  for (const [index, due] of HEARD.entries()) {
    const found = stats.tracers[index] ?? {};
    require(isDeepStrictEqual({ ...found, ...due }, found), () => `it stands at ${JSON.stringify(found)}`);
  }
  // They go on being counted where they were.
  const attempts = attemptsIn(journal, 'ok');
  for (const [delivery, before] of tried)
    require(attempts.get(delivery) === before + 1, () =>
      `delivery ${delivery}: ${before} attempts, then ${attempts.get(delivery)}`);
  const version = versionOf(journal);
  require(version === SCHEMA_VERSION, () => `it has schema ${version}`);
  say(`schema 1 opened as schema ${version}: 57 events that were pending heard in order, no other`);
}

/** A migration is made as a whole or not at all. */
async function cutOff({ size, folder, say }: Injection): Promise<void> {
  const copies = { full: 1_000, short: 100 }[size];
  const journal = journalOf1(join(folder, 'cut-off.db'), copies);
  const current = new DatabaseSync(journal);
  migrate(current);
  current.close();
  const before = contentOf(journal);
  const pending = 9 + 48 * copies;
  for (let place = 0; place < PLACES; place += 1) {
    const { signal, stderr } = await startChild('upgrade-child.ts', [journal, String(place)]).ended;
    require(signal === 'SIGKILL', () => `it was not killed: ${stderr}`);
    await requireAsBefore(journal, before, `a kill at ${place}`, pending);
    let thrown = false;
    try {
      migrateTo2(journal, (reached) => {
        if (reached === place) throw new Error('on purpose');
      });
    } catch {
      thrown = true;
    }
    require(thrown, () => `nothing was thrown at ${place}`);
    await requireAsBefore(journal, before, `an error at ${place}`, pending);
  }
  migrateTo2(journal, () => {});
  const db = new DatabaseSync(journal);
  const found = db
    .prepare(
      `select (select sum(events) from page) as events, count(*) as letters
       from letter`,
    )
    .get();
  db.close();
  require(versionOf(journal) === SCHEMA_VERSION + 1 &&
    found?.events === 48 * (copies + 1) &&
    found.letters === 2, () => `the migration left ${JSON.stringify(found)}`);
  say(
    `${2 * PLACES} migrations of ${(48 * (copies + 1)).toLocaleString('en')} events cut off, by a kill or an error: as if they had not begun; then one as a whole`,
  );
}

/** The journal is what it was, and can be used. */
async function requireAsBefore(
  journal: string,
  before: string,
  after: string,
  pending: number,
): Promise<void> {
  require(contentOf(journal) === before, () => `after ${after} the journal was not what it had been`);
  const { given, troubles } = await keptInJournal(journal, 'jlinc');
  require(given.length === pending && troubles.length === 0, () =>
    `after ${after} ${given.length} events were given instead of ${pending}; ${troubles.join()}`);
  require(contentOf(journal) === before, () => `after ${after} the journal could not be opened as it was`);
}

if (import.meta.main) await runFaults([upgrade]);
