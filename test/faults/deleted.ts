import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { type Fault, require, runFaults } from './fault.ts';
import { Heard } from './heard.ts';
import { randomOf } from './random.ts';
import { type Served, type ServedConfig, startServed } from './served.ts';

/** The journal deleted under a running service. */
export const deleted: Fault = {
  name: 'deleted',
  title: 'the journal deleted or replaced under a running service while events flow',
  inject: async ({ size, seed, folder, say }) => {
    const rounds = { full: 20, short: 3 }[size];
    const random = randomOf(seed);
    const journal = join(folder, 'data', 'journal.db');
    const heard = new Heard();
    let runs = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const service = await startServed(folder, configOf(journal, runs));
      await service.feed();
      for (const way of shuffled(Object.keys(WAYS), random)) {
        await wait(random() * 300);
        await replaced(service, way, journal);
      }
      runs = await service.stop();
      await requireSound(service, Object.keys(WAYS).length);
      await service.end();
      heard.add(service.child.messages);
      say(`${round * Object.keys(WAYS).length} times, told once each`);
    }
    const last = await startServed(folder, configOf(journal, runs));
    await last.caughtUp();
    await last.end();
    heard.add(last.child.messages);
    for (const tracer of ['quick', 'slow']) heard.requireAll(tracer, runs);
    requireForeign(journal, rounds);
    say(
      `${runs.toLocaleString('en')} runs heard by each of two tracers, in order; 0 lost, ${heard.again} events twice whose call was under way at the end`,
    );
  },
};

function configOf(journal: string, first: number): ServedConfig {
  return {
    journal,
    tracers: {
      quick: { options: { first, pace: 15 } },
      slow: { options: { milliseconds: 5 }, delivery: { concurrency: 5 } },
    },
  };
}

const FOREIGN = 'of somebody else';

/** What somebody does to a journal, at one go, so that the service does not come in between. */
const WAYS: Readonly<Record<string, (journal: string) => void>> = {
  'the file': (journal) => rmSync(journal),
  'the write-ahead log': (journal) => rmSync(`${journal}-wal`),
  'the file with what belongs to it': (journal) => {
    for (const end of ['', '-wal', '-shm', '.lock']) rmSync(journal + end, { force: true });
  },
  'the folder': (journal) => {
    renameSync(dirname(journal), `${dirname(journal)}.old`);
    rmSync(`${dirname(journal)}.old`, { recursive: true });
  },
  'the folder, for an empty one': (journal) => {
    renameSync(dirname(journal), `${dirname(journal)}.old`);
    mkdirSync(dirname(journal), { recursive: true });
    rmSync(`${dirname(journal)}.old`, { recursive: true });
  },
  'the file, for another one': (journal) => {
    writeFileSync(`${journal}.other`, FOREIGN);
    renameSync(`${journal}.other`, journal);
  },
};

/** Does something to the journal, and waits until the service has seen to it and goes on. */
async function replaced(service: Served, way: string, journal: string): Promise<void> {
  const { issues } = await service.readyz();
  WAYS[way]?.(journal);
  await eventually(`the service has mended its journal (${way})`, async () => {
    const ready = await service.readyz();
    const isTold = ready.issues.journal_replaced === (issues.journal_replaced ?? 0) + 1;
    return isTold && ready.status === 200 && existsSync(journal) ? true : undefined;
  });
  await service.child.next((message) => 'heard' in message && message.by === 'quick');
}

/** Nothing was told but that the journal was replaced, and nothing given up. */
async function requireSound(service: Served, times: number): Promise<void> {
  const { issues, tracers } = await service.readyz();
  require(JSON.stringify(issues) === JSON.stringify({ journal_replaced: times }), () =>
    `after ${times} times the issues were ${JSON.stringify(issues)}`);
  for (const [name, { dead, dropped }] of Object.entries(tracers))
    require(dead === 0 && dropped === 0, () => `${name}: ${JSON.stringify(tracers[name])}`);
}

/** What was put in the journal's place is there still, unless the folder was deleted afterwards. */
function requireForeign(journal: string, times: number): void {
  const name = new RegExp(`^${basename(journal)}\\.foreign-[^.]*Z$`);
  const aside = readdirSync(dirname(journal)).filter((file) => name.test(file));
  const kept = aside.filter((file) => readFileSync(join(dirname(journal), file), 'utf8') === FOREIGN);
  require(aside.length <= times && kept.length === aside.length, () =>
    `${aside.length} files were set aside, ${kept.length} of them what somebody else had put there`);
}

function shuffled<T>(all: readonly T[], random: () => number): T[] {
  return all
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

if (import.meta.main) await runFaults([deleted]);
