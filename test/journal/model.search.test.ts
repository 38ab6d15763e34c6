import fc from 'fast-check';
import { describe, test } from 'vitest';
import { runs } from '../support/search.ts';
import { commands, crashCommands, type JournalCommand, NAMES, operatorCommands } from './model/commands.ts';
import type { JournalDriver } from './model/driver.ts';
import { memoryDriver } from './model/memory-driver.ts';
import { JournalModel } from './model/model.ts';
import { RunningJournal } from './model/running.ts';
import { sqliteDriver } from './model/sqlite-driver.ts';

//  Whatever is done to a journal, in whatever order, it does what a model of a few arrays does (model/model.ts).
//
//  To repeat a failure, `seed` and `path` go to `fc.assert` and `replayPath` to `fc.commands`; to look for more, more RUNS
//  and more time. A driver runs the same commands, and those for what it can: a crash, an operator.

/** Of each property. */
const RUNS = { memory: runs(150), crash: runs(25), operator: runs(15) } as const;
/** Milliseconds after which no other run is begun, and in which a failure is then made as small as it can be. */
const ENOUGH = 15_000;
const SHRINKING = 40_000;

describe.concurrent('whatever happens, a journal keeps what its consumers have still to hear', () => {
  test('in memory', () => holds(memoryDriver, commands, RUNS.memory));

  test('in a file, whenever its process is killed', () => holds(sqliteDriver, crashCommands, RUNS.crash));

  test('in a file, whatever an operator decides beside it', () =>
    holds(sqliteDriver, operatorCommands, RUNS.operator));
});

async function holds(
  make: () => JournalDriver,
  arbitraries: fc.Arbitrary<JournalCommand>[],
  numRuns: number,
): Promise<void> {
  const began = performance.now();
  let hasFailed = false;
  let running = Promise.resolve();
  const property = fc.asyncProperty(
    fc.commands(arbitraries, { maxCommands: 60, size: 'max' }),
    async (steps) => {
      if (!hasFailed && performance.now() - began > ENOUGH) return;
      running = runOnce(make(), steps);
      await running.catch((error: unknown) => {
        hasFailed = true;
        throw error;
      });
    },
  );
  try {
    await fc.assert(property, { numRuns, plugins: [fc.interruptAfterTimeLimit(ENOUGH + SHRINKING)] });
  } finally {
    // One that was interrupted cleans up after itself.
    await running.catch(() => {});
  }
}

async function runOnce(driver: JournalDriver, steps: Iterable<JournalCommand>): Promise<void> {
  const model = new JournalModel(driver.lasting !== undefined);
  try {
    const journal = await RunningJournal.start(driver, model);
    try {
      for (const name of NAMES.slice(1)) journal.join(name);
      await fc.asyncModelRun(() => ({ model, real: journal }), steps);
      await journal.finish();
    } finally {
      await journal.close();
    }
  } finally {
    driver.remove();
  }
}
