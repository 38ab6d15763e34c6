import fc from 'fast-check';
import type { Decision } from './driver.ts';
import type { JournalModel } from './model.ts';
import type { RunningJournal } from './running.ts';
import type { SettledOutcome } from './standing.ts';

export type JournalCommand = fc.AsyncCommand<JournalModel, RunningJournal>;

export const NAMES = ['x', 'y', 'z'] as const;

/** An operator's decision about events that are not chosen yet: some, or all that there are. */
interface Choice {
  readonly decide: Decision['decide'];
  readonly consumer: string;
  readonly of: readonly number[] | null;
}

const name = fc.constantFrom(...NAMES);
/** One of several, whose number is not known yet. */
const nth = fc.nat(99);
/** The oldest in hand, above all. */
const which = fc.oneof(fc.constant(0), nth);
/** New events, and repeats of any that were ever appended. */
const few = fc.array(fc.option(nth, { freq: 3 }), { minLength: 1, maxLength: 6 });
const outcome = fc.constantFrom<SettledOutcome>('ok', 'ok', 'failed', 'dead', 'unheard');
const choice: fc.Arbitrary<Choice> = fc.record({
  decide: fc.constantFrom<Decision['decide']>('again', 'skip', 'replay'),
  consumer: name,
  of: fc.option(fc.array(nth, { minLength: 1, maxLength: 5 })),
});

const append = fc.record({ append: few, wait: fc.boolean() }).map((step) =>
  command(step, {
    async run(model, journal) {
      await appendAll(step.append, model, journal);
      if (step.wait) await journal.durable();
    },
  }),
);

const join = fc.record({ join: name }).map((step) =>
  command(step, {
    check: (model) => !isThere(model, step.join),
    run: async (_, journal) => journal.join(step.join),
  }),
);

const read = fc.record({ read: name, limit: fc.integer({ min: 1, max: 8 }) }).map((step) =>
  command(step, {
    check: (model) => isThere(model, step.read),
    run: (model, journal) =>
      journal.read(step.read, step.limit, Math.min(step.limit, model.readable(step.read))),
  }),
);

const settle = fc
  .record({ settle: name, as: fc.array(fc.tuple(which, outcome), { minLength: 1, maxLength: 5 }) })
  .map((step) =>
    command(step, {
      check: (model) => hasInHand(model, step.settle),
      async run(model, journal) {
        for (const [one, as] of step.as) answer(model, journal, step.settle, one, as);
      },
    }),
  );

const retry = fc.record({ retry: name, which, since: fc.integer({ min: 1, max: 9_999 }) }).map((step) =>
  command(step, {
    check: (model) => hasInHand(model, step.retry),
    async run(model, journal) {
      const { retry: consumer, which, since } = step;
      const serial = pick([...model.life(consumer).hand], which) ?? 0;
      const attempts = 1 + (model.standings(consumer).get(serial)?.before?.attempts ?? 0);
      journal.answer(consumer, serial, { attempts, since, duration: 0, errorType: 'TypeError' });
    },
  }),
);

const keep = fc
  .record({ keep: fc.integer({ min: 1, max: 4 }) })
  .map((step) => command(step, { run: async (_, journal) => journal.keep(step.keep) }));

const advance = fc.record({ advance: fc.integer({ min: 1, max: 6 }) }).map((step) =>
  command(step, {
    check: ({ inputs }) => inputs.needed.length >= step.advance,
    run: async (_, journal) => journal.advance(step.advance),
  }),
);

const readInputs = fc.constant(command({ readInputs: 'all' }, { run: (_, journal) => journal.readInputs() }));

/** What is done last is not durable; in some turns of the event loop it may be handed to the disk, and may be written. */
const last = fc.array(
  fc.record({
    settle: fc.array(fc.tuple(name, which, outcome), { maxLength: 3 }),
    append: fc.oneof(few, fc.constant([])),
    keep: fc.nat(2),
    advance: fc.nat(3),
    turns: fc.oneof(fc.constant(0), fc.nat(200)),
  }),
  { maxLength: 3 },
);

/** Ends the journal, and opens it again for some of its consumers. */
function reopen(how: 'close' | 'crash', decisions: fc.Arbitrary<Choice[]>): fc.Arbitrary<JournalCommand> {
  return fc.record({ last, decisions, present: fc.subarray([...NAMES]) }).map((step) =>
    command(
      { [how]: step },
      {
        async run(model, journal) {
          for (const { settle, keep, advance, append, turns } of step.last) {
            for (const [consumer, one, as] of settle) answer(model, journal, consumer, one, as);
            if (keep > 0) journal.keep(keep);
            await appendAll(append, model, journal);
            if (advance > 0) journal.advance(advance);
            for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
          }
          const decisions = step.decisions.map((one) => () => chosen(one, model));
          await journal.reopen(how, decisions);
          for (const one of step.present) journal.join(one);
        },
      },
    ),
  );
}

const decide = choice.map((step) =>
  command(step, {
    async run(model, journal) {
      await journal.settled();
      const decision = chosen(step, model);
      if (decision) await journal.decide(decision);
    },
  }),
);

const notice = fc.constant(
  command({ notice: 'all' }, { check: (model) => model.isStale, run: (_, journal) => journal.noticed() }),
);

/** In a journal's ordinary day. */
const day = [
  append,
  append,
  append,
  read,
  read,
  read,
  read,
  settle,
  settle,
  settle,
  retry,
  join,
  keep,
  advance,
  readInputs,
];

/** Of a journal that forgets. */
export const commands = [...day, ...day, reopen('close', fc.constant([]))];
/** Of one that is killed, and of which an operator sees to what is left. */
export const crashCommands = [
  ...day,
  ...day,
  reopen('close', fc.array(choice, { maxLength: 3 })),
  reopen('crash', fc.constant([])),
  reopen('crash', fc.array(choice, { maxLength: 3 })),
];
/** Of one that is beside an operator. */
export const operatorCommands = [
  ...day,
  decide,
  decide,
  decide,
  notice,
  fc.oneof({ weight: 2, arbitrary: notice }, reopen('crash', fc.constant([]))),
];

interface Steps {
  check?(model: JournalModel): boolean;
  run(model: JournalModel, journal: RunningJournal): Promise<void>;
}

/** @param shown what is printed of it, where it has part in a failure */
function command(shown: object, { check = () => true, run }: Steps): JournalCommand {
  return {
    check,
    async run(model, journal) {
      await run(model, journal);
      journal.check();
    },
    toString: () => JSON.stringify(shown),
  };
}

function isThere(model: JournalModel, name: string): boolean {
  return model.places.get(name)?.life !== undefined;
}

function hasInHand(model: JournalModel, name: string): boolean {
  return (model.places.get(name)?.life?.hand.size ?? 0) > 0;
}

async function appendAll(
  some: readonly (number | null)[],
  { ids, next }: JournalModel,
  journal: RunningJournal,
): Promise<void> {
  for (const [index, which] of some.entries())
    await journal.append(
      (which === null ? undefined : pick(ids, which)) ?? `run${(next + index) % 4}/${next + index}`,
    );
}

/** Settles one of what is in a consumer's hands, if there is any. */
function answer(
  model: JournalModel,
  journal: RunningJournal,
  name: string,
  which: number,
  as: SettledOutcome,
): void {
  const serial = pick([...(model.places.get(name)?.life?.hand ?? [])], which);
  if (serial !== undefined) journal.answer(name, serial, as);
}

function pick<T>(from: readonly T[], which: number): T | undefined {
  return from[which % from.length];
}

/** What an operator decides; undefined where there is nothing to choose from. */
function chosen({ decide, consumer, of }: Choice, { log, places, next }: JournalModel): Decision | undefined {
  const entries = of?.flatMap((which) => pick(log, which) ?? []);
  if (decide !== 'replay')
    return places.has(consumer) && entries?.length !== 0
      ? { decide, consumer, ids: entries?.map(({ id }) => id) }
      : undefined;
  const serials = entries?.map(({ serial }) => serial) ?? [0, next];
  return serials.length === 0
    ? undefined
    : { decide, consumer, from: Math.min(...serials), to: Math.max(...serials) + 1 };
}
