import { deepStrictEqual, ok } from 'node:assert/strict';
import { checkTracerOptions } from '../delivery/create-tracer.ts';
import { type ChainEvent, eventName } from '../model/event.ts';
import type { Options, TracerModule } from '../model/tracer.ts';
import { checkSecrecy } from './check-secrecy.ts';
import { checkBatches, checkLife, checkRepeats } from './direct-calls.ts';
import { Harness, TESTED } from './harness.ts';
import { MISBEHAVING } from './misbehaving-tracers.ts';
import { randomPlans, SCRIPTED } from './scripted-chain.ts';
import type { TracerCheck, TracerTestSettings, Trial } from './trial.ts';

/** Chains that happen at the same time. */
const MANY = 60;

/**
 * The contract of a tracer, as checks for any test runner: through the real bridge, with a scripted chain and random ones.
 *
 * ```ts
 * for (const { name, run } of testTracer(myTracer)) test(name, run);
 * ```
 * The more `settings` say, the more is checked. Checks do not depend on each other, but must not run at the same time: one of
 * them listens to `console`.
 * @param module as it would stand as a tracer's `module`
 */
export function testTracer<Prepared extends Trial = Trial>(
  module: TracerModule,
  settings: TracerTestSettings<Prepared> = {},
): TracerCheck[] {
  const { heard, outage, once = false, timeout = 10_000, seed = 1 } = settings;
  const checks: TracerCheck[] = [];
  const check = (name: string, body: (trial: Prepared, options: Options) => unknown) =>
    checks.push({
      name,
      run: async () => {
        const trial = (await settings.prepare?.()) ?? ({} as Prepared);
        try {
          await body(trial, trial.options ?? {});
        } finally {
          await trial.close?.();
        }
      },
    });
  /** Runs chains past the tracer; what `work` leaves to be heard has been heard in the end. */
  const withHarness = async (
    trial: Prepared,
    work: (harness: Harness) => Promise<void>,
    more: { readonly neighbours?: typeof MISBEHAVING } = {},
  ): Promise<void> => {
    const harness = new Harness({ module, options: trial.options ?? {}, timeout, ...more });
    try {
      await work(harness);
      await harness.delivered();
      if (heard) compare(await heard(trial), harness.witnessed, once);
    } finally {
      await harness.end();
    }
  };

  check('its options are those that it declares', (_trial, options) => {
    deepStrictEqual(checkTracerOptions({ name: TESTED, module, options }).faults, []);
    const strict = checkTracerOptions({
      name: TESTED,
      module,
      options: { ...options, dlq_vcon_on_error: true },
    });
    deepStrictEqual([strict.faults, strict.failClosed], [[], true], 'dlq_vcon_on_error is everybody’s');
  });

  if ('create' in module && module.options) {
    check('an option that it does not have is an error with its path', (_trial, options) => {
      const { faults } = checkTracerOptions({
        name: TESTED,
        module,
        options: { ...options, no_such_option: 1 },
      });
      deepStrictEqual(
        faults.map(({ path }) => path),
        [`tracers.${TESTED}.options.no_such_option`],
      );
    });
    check('what is said of a wrong option quotes no value', (_trial, options) => {
      for (const key of Object.keys(options))
        for (const wrong of ['kanari', ['kanari'], { kanari: 'kanari' }]) {
          const { faults } = checkTracerOptions({
            name: TESTED,
            module,
            options: { ...options, [key]: wrong },
          });
          const told = faults.map(({ message }) => message.replaceAll(/unknown option .*/g, '')).join('; ');
          ok(!told.includes('kanari'), `the fault of option ${key} quotes its value`);
        }
    });
  }

  check('it answers all nine events', (trial) =>
    withHarness(trial, async (harness) => {
      await harness.perform(SCRIPTED);
      await harness.delivered();
      deepStrictEqual(new Set(harness.witnessed.map(eventName)).size, 9);
    }),
  );

  check('it answers many random chains at the same time', (trial) =>
    withHarness(trial, (harness) => harness.perform(randomPlans(MANY, seed))),
  );

  check('it hears everything beside tracers that throw, reject, hang and refuse', (trial) =>
    withHarness(trial, (harness) => harness.perform([...SCRIPTED, ...randomPlans(10, seed + 1)]), {
      neighbours: MISBEHAVING,
    }),
  );

  if (outage)
    check('what it writes to fails: others hear everything meanwhile, and it does afterwards', (trial) =>
      withHarness(trial, async (harness) => {
        await harness.perform(randomPlans(10, seed + 2));
        await harness.delivered();
        await outage.begin(trial);
        try {
          await harness.perform([...SCRIPTED, ...randomPlans(10, seed + 3)]);
          await harness.until('a failed delivery', () => (harness.state?.retried ?? 0) > 0);
          await harness.neighboursHeard();
        } finally {
          await outage.end(trial);
        }
      }),
    );

  check('a call that is made again is answered', async (trial, options) => {
    const events = await checkRepeats(module, options, timeout);
    if (heard) compare(await heard(trial), events, once);
  });

  check('events that come together are answered as those that come alone', async (trial, options) => {
    const events = await checkBatches(module, options, timeout);
    if (heard) compare(await heard(trial), events, once);
  });

  check('forceFlush and shutdown are safe twice, and before the first event', (_trial, options) =>
    checkLife(module, options, timeout),
  );

  check('nothing of a document or a secret is in what it logs and throws', (trial, options) =>
    checkSecrecy(module, options, timeout, {
      begin: async () => outage?.begin(trial),
      end: async () => outage?.end(trial),
    }),
  );

  return checks;
}

/** Whether what arrived is what happened: nothing lost, nothing invented, each run in its order, and once where that is promised. */
function compare(heard: readonly string[], happened: readonly ChainEvent[], once: boolean): void {
  const first = [...new Set(heard)];
  if (once) deepStrictEqual(first.length, heard.length, 'an event arrived twice');
  const expected = new Map(happened.map((event) => [event.eventId, event.runId]));
  deepStrictEqual([...first].sort(), [...expected.keys()].sort(), 'what arrived is not what happened');
  const perRun = (ids: Iterable<string>) => Map.groupBy(ids, (id) => expected.get(id));
  const runs = perRun(expected.keys());
  for (const [run, ids] of perRun(first)) deepStrictEqual(ids, runs.get(run), 'a run arrived out of order');
}
