import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Assembler } from '../../src/assembly/assembler.ts';
import { Assembly } from '../../src/assembly/assembly.ts';
import type { ConfiguredChain } from '../../src/assembly/configured-chains.ts';
import { decodeEntry, encodeEntry, type NewEntry } from '../../src/assembly/entry.ts';
import type { AssemblyIssue } from '../../src/assembly/issues.ts';
import { noOutcome } from '../../src/assembly/outcome.ts';
import { recover } from '../../src/assembly/recovery.ts';
import { type StatePart, stateOf } from '../../src/assembly/state.ts';
import type { InboxEntry } from '../../src/journal/inbox.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import type { EventSink } from '../../src/model/event-sink.ts';
import { Issues } from '../../src/model/issues.ts';
import { ThrottledLog } from '../../src/model/throttled-log.ts';
import { readServerFact } from '../../src/receivers/server-fact.ts';
import { FactWorker } from '../support/fact-worker.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryInbox } from '../support/memory-inbox.ts';
import { type Delivery, deliver, inAnyOrder, recordsOf, spansOf } from './deliveries.ts';
import { ANY_TIME, HeardFacts, readFacts, receivedOf } from './heard-facts.ts';
import { Passage } from './passage.ts';
import { happenedThere } from './python-conserver.ts';
import { passages } from './random-passages.ts';

const CHAIN = { name: 'main', links: ['a'], storages: [] };
const FACT = { host: 'h', pid: 1, boot: '5', seq: 9, time: 7n, thread: 't', run: 3 } as const;

const WINDOW = { at: 1_800_000_000_000, oldest: 5, ahead: 3 };
const SETTLE = 100;
const TIMEOUT = 600;
/** One has no name. */
const SENDERS = ['one', 'two', undefined];
const AB = { main: { links: ['a', 'b'] } };

/** Where events go: kept at once, unless it is said that they are not. */
class Events implements EventSink {
  readonly accepted: ChainEvent[] = [];
  readonly full = false;
  areKept = true;
  isAwaitedBy = '';

  accept(event: ChainEvent): void {
    this.accepted.push(event);
  }

  abandon(): void {}

  isAwaited(chain: string): boolean {
    return chain === this.isAwaitedBy;
  }

  async delivered(): Promise<void> {}

  durable(): Promise<void> {
    return this.areKept ? Promise.resolve() : new Promise(() => {});
  }

  async room(): Promise<void> {}

  get ids(): string[] {
    return this.accepted.map(({ eventId }) => eventId);
  }
}

/** All that was ever appended to an inbox, though most of it is gone. */
class RememberingInbox extends MemoryInbox {
  readonly everything: InboxEntry[] = [];

  override append(bodies: readonly Uint8Array[]): Promise<number> {
    const appended = super.append(bodies);
    this.everything.push(...this.entries.slice(-bodies.length));
    return appended;
  }
}

interface Process {
  readonly inbox?: MemoryInbox;
  readonly plans?: Readonly<Record<string, ConfiguredChain>>;
  readonly clock?: ManualClock;
  readonly isAwaitedBy?: string;
  readonly crowded?: () => boolean;
}

async function start({
  inbox = new MemoryInbox(),
  plans = AB,
  clock = new ManualClock(),
  isAwaitedBy = '',
  crowded = () => false,
}: Process) {
  const events = new Events();
  events.isAwaitedBy = isAwaitedBy;
  const began: string[] = [];
  const chains = new Map(Object.entries(plans));
  const issues = new Issues<AssemblyIssue>('test', new ThrottledLog('test'));
  const opened = await Assembly.open({
    inbox,
    read: readFacts,
    events,
    observers: [
      {
        began: ({ runId }) => void began.push(runId),
        stepEnded: () => {},
        ended: () => {},
        abandoned: () => {},
      },
    ],
    clock,
    issues,
    chains: () => chains,
    full: () => false,
    crowded,
    settle: SETTLE,
    timeout: TIMEOUT,
    maxRuns: 1_000,
    endTimeout: 5_000,
    ...ANY_TIME,
  });
  return { assembly: new HeardFacts(opened), events, began, clock, inbox, issues };
}

/** What a process has in hand that goes on with an inbox. */
async function inHand(entries: readonly InboxEntry[], lowWatermark = 1) {
  const assembler = new Assembler();
  const events = new Events();
  const inbox = new MemoryInbox({ entries, lowWatermark });
  const issues = new Issues<AssemblyIssue>('receivers', new ThrottledLog('test'));
  await recover(
    { inbox, read: readFacts, events, observers: [], issues, clock: new ManualClock() },
    assembler,
  );
  return { state: [...stateOf(assembler)].map(comparable), events };
}

/** What a process leaves that ends before anything is taken out of its inbox. */
class KeepingInbox extends MemoryInbox {
  override advance(): void {}
}

describe('a process with less memory than the one before it', () => {
  test.each([
    ['what came', false],
    ['what was carried forward', true],
  ])(
    'tells what it has no room for as it stands while it reads %s, and the next comes to the same',
    async (_, isCarried) => {
      const before = await start({});
      const passages = Array.from(
        { length: 400 },
        (_, number) => new Passage({ number, vcon: `V${number}` }),
      );
      for (const passage of passages) deliver(before.assembly, [passage.link(0)]);
      await before.assembly.taken();
      const { runs } = before.assembly;
      if (isCarried) await before.assembly.stop();
      let times = 3;
      const inbox = new KeepingInbox(before.inbox);
      const after = await start({ inbox, crowded: () => times-- > 0 });
      expect(times).toBeLessThan(0);
      expect(after.assembly.runs).toBeLessThan((3 / 4) * runs);
      expect(after.assembly.runs).toBeGreaterThan(runs / 4);
      expect(after.issues.of('evicted_run')).toBe(runs - after.assembly.runs);
      const ends = after.events.accepted.filter(({ stage, phase }) => stage === 'chain' && phase !== 'start');
      expect(ends).toHaveLength(runs - after.assembly.runs);
      expect(after.began).toHaveLength(ends.length);
      const again = await start({ inbox: new MemoryInbox(inbox) });
      expect(again.assembly.runs).toBe(after.assembly.runs);
      expect(again.events.ids).toEqual(after.events.ids);
    },
  );
});

/** What stands in an event of what was concluded is a set. */
function comparable(part: StatePart): unknown {
  const text = encodeEntry({ kind: 'carried', of: 0, part });
  const sorted = (line: string) =>
    JSON.parse(line, (key, value) => (key === 'inferred' ? [...value].sort() : value));
  return Buffer.from(text).toString().split('\n').map(sorted);
}

const kinds = ({ entries }: MemoryInbox) => entries.map(({ body }) => body && decodeEntry(body)?.kind);

describe('a process that goes on', () => {
  test('has the same in hand, whether it has read all that ever happened or only what was carried forward', async () => {
    // The last of them so long that what is needed is carried forward.
    const milliseconds = fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(60, 300, 700) },
      { weight: 1, arbitrary: fc.constant(601_000) },
    );
    const happening = passages.chain((all) => {
      const world = happenedThere(all);
      const sent = [...recordsOf(world), ...spansOf(world)];
      return fc.record({
        plans: fc.constant(world.plans),
        order: inAnyOrder(sent),
        passes: fc.array(fc.tuple(fc.nat(sent.length), milliseconds), {
          maxLength: 5,
        }),
      });
    });
    await fc.assert(
      fc.asyncProperty(happening, async ({ plans, order, passes }) => {
        const inbox = new RememberingInbox();
        const { assembly, clock } = await start({ inbox, plans });
        for (const [i, delivery] of order.entries()) {
          for (const [at, milliseconds] of passes) if (at === i) await clock.pass(milliseconds);
          assembly.sender = SENDERS[i % SENDERS.length];
          deliver(assembly, [delivery]);
        }
        const all = await inHand(inbox.everything);
        const carried = await inHand(inbox.entries, inbox.lowWatermark);
        expect(carried.state).toEqual(all.state);
        await assembly.stop();
        expect(inbox.entries.length).toBeLessThan(12);
        expect((await inHand(inbox.entries, inbox.lowWatermark)).state).toEqual(all.state);
      }),
      { numRuns: 60 },
    );
  });

  test('shows runs that were begun as they stand, and closes them in their time', async () => {
    const main = new Passage();
    const first = await start({});
    deliver(first.assembly, [main.record(-1), main.record(0)]);
    const second = await start({ inbox: new MemoryInbox(first.inbox) });
    expect(second.assembly.runs).toBe(1);
    expect(second.began).toEqual([main.chainId]);
    await second.clock.pass(TIMEOUT + SETTLE);
    expect(second.assembly.runs).toBe(0);
    expect(second.events.ids.at(-1)).toBe(`${main.chainId}/chain/lost`);
  });

  test('goes by what was configured then, and by what is configured now for what it hears itself', async () => {
    const main = new Passage();
    const first = await start({});
    deliver(first.assembly, [main.link(0), main.link(1)]);
    const plans = { main: { links: ['x', 'y', 'z'] } };
    const second = await start({ inbox: new MemoryInbox(first.inbox), plans });
    deliver(second.assembly, [main.chain()]);
    await second.clock.pass(SETTLE * 2);
    expect(second.events.accepted[0]?.links).toEqual(['x', 'y', 'z']);
    expect(kinds(second.inbox).filter((kind) => kind === 'configured')).toHaveLength(2);
  });

  test('does not count again what was wrong with what it takes again', async () => {
    const main = new Passage();
    const first = await start({});
    deliver(first.assembly, [main.link(0), main.link(1), main.chain()]);
    await first.clock.pass(SETTLE * 2);
    deliver(first.assembly, [main.storage('s1')]);
    const second = await start({ inbox: new MemoryInbox(first.inbox) });
    expect(second.assembly.runs).toBe(0);
    expect(second.began).toEqual([]);
  });
});

describe('events that were handed on before', () => {
  const main = new Passage();
  const ended = [main.link(0), main.link(1), main.chain()];

  test('are handed on again where it is not sure that they are kept', async () => {
    const first = await start({});
    first.events.areKept = false;
    deliver(first.assembly, ended);
    await first.clock.pass(SETTLE * 2);
    const second = await start({ inbox: new MemoryInbox(first.inbox) });
    expect(first.events.ids).toHaveLength(6);
    expect(second.events.accepted).toEqual(first.events.accepted);
  });

  test('are not where it was noted that they are', async () => {
    const first = await start({});
    deliver(first.assembly, ended);
    await first.clock.pass(SETTLE * 4);
    expect(kinds(first.inbox)).toContain('emitted');
    const second = await start({ inbox: new MemoryInbox(first.inbox) });
    expect(second.events.ids).toEqual([]);
  });

  test('are where somebody may wait for what their run says', async () => {
    const first = await start({});
    deliver(first.assembly, [main.record(-1), main.record(0)]);
    await first.clock.pass(SETTLE * 4);
    await first.assembly.stop();
    const inbox = new MemoryInbox(first.inbox);
    const second = await start({ inbox, isAwaitedBy: 'main' });
    expect(second.events.ids).toEqual(first.events.ids);
    const third = await start({ inbox: new MemoryInbox(inbox), isAwaitedBy: 'other' });
    expect(third.events.ids).toEqual([]);
  });

  test('say that what is missing was concluded, if somebody waited for it then', async () => {
    const first = await start({});
    await first.assembly.record(main.record(1).record).delivered();
    const second = await start({ inbox: new MemoryInbox(first.inbox) });
    expect(second.events.accepted).toEqual(first.events.accepted);
    deliver(second.assembly, [main.link(0, { failed: true })]);
    await second.clock.pass(TIMEOUT + SETTLE);
    expect(second.events.ids.filter((id) => id.includes('/link/0/'))).toEqual([
      `${main.chainId}/link/0/start`,
      `${main.chainId}/link/0/complete`,
    ]);
  });
});

describe('an event', () => {
  const main = new Passage();
  const sendersOf = ({ accepted }: Events) =>
    accepted.map(({ eventId, sender }) => [eventId.slice(main.chainId.length), sender]);

  test('says who sent the fact by which it is certain, after a kill too', async () => {
    const first = await start({});
    first.events.areKept = false;
    first.assembly.sender = 'one';
    deliver(first.assembly, [main.record(-1), main.record(0)]);
    first.assembly.sender = 'two';
    deliver(first.assembly, [main.record(1)]);
    const second = await start({ inbox: new MemoryInbox(first.inbox) });
    expect(second.events.accepted).toEqual(first.events.accepted);
    // What nothing more comes of is concluded.
    await second.clock.pass(TIMEOUT + SETTLE);
    expect(sendersOf(second.events)).toEqual([
      ['/chain/start', 'one'],
      ['/link/0/start', 'one'],
      ['/link/0/complete', 'two'],
      ['/link/1/start', 'two'],
      ['/link/1/complete', 'two'],
      ['/chain/complete', 'two'],
    ]);
  });

  test('says who sent what came when its run was over', async () => {
    const { assembly, events, clock } = await start({});
    assembly.sender = 'one';
    deliver(assembly, [main.link(0), main.link(1), main.chain()]);
    await clock.pass(SETTLE * 2);
    assembly.sender = 'two';
    deliver(assembly, [main.storage('s1')]);
    const late = events.accepted.filter(({ calls }) => calls === 'none');
    expect(late.map(({ sender }) => sender)).toEqual(['two']);
    expect(
      new Set(events.accepted.filter(({ calls }) => calls !== 'none').map(({ sender }) => sender)),
    ).toEqual(new Set(['one']));
  });
});

describe('what comes with very many facts', () => {
  const all = Array.from({ length: 120 }, (_, i) => new Passage({ number: i + 1, vcon: `V${i}` }));
  const many = all.flatMap((main) => [main.link(0), main.link(1), main.chain()]).flatMap(spansIn);
  const ended = (ids: readonly string[]) => ids.filter((id) => id.endsWith('/chain/complete')).toSorted();

  test('is taken some at a time, others in between, and taken again in the same order', async () => {
    const first = await start({});
    first.events.areKept = false;
    first.assembly.spans(many);
    expect(first.assembly.runs).toBeLessThan(100);
    const other = new Passage({ number: 500, vcon: 'W' });
    deliver(first.assembly, [other.link(0), other.link(1), other.chain()]);
    await first.assembly.taken();
    await first.clock.pass(SETTLE * 2);
    expect(kinds(first.inbox).filter((kind) => kind === 'more')).toHaveLength(2);
    expect(ended(first.events.ids)).toHaveLength(121);
    const second = await start({ inbox: new MemoryInbox(first.inbox) });
    expect(second.events.accepted).toEqual(first.events.accepted);
  });

  test('is whole when it comes again, where a process ends while it is taken', async () => {
    const first = await start({});
    first.assembly.spans(many);
    const inbox = new MemoryInbox(first.inbox);
    const second = await start({ inbox });
    second.assembly.spans(many);
    await second.assembly.taken();
    const third = await start({ inbox: new MemoryInbox(inbox) });
    await third.clock.pass(SETTLE * 2);
    expect(third.assembly.runs).toBe(0);
    expect(ended(third.events.ids)).toHaveLength(120);
    expect(third.issues.all()).toEqual({});
    await first.assembly.taken();
  });

  test('is lost but for what was taken at once where that cannot be read', async () => {
    const first = await start({});
    first.assembly.spans(many);
    await first.assembly.taken();
    const isReceived = ({ body }: InboxEntry) => body && decodeEntry(body)?.kind === 'received';
    const entries = first.inbox.entries.map((entry) =>
      isReceived(entry) ? { ...entry, body: entry.body?.subarray(0, -1) } : entry,
    );
    const second = await start({ inbox: new MemoryInbox({ entries, lowWatermark: 1 }) });
    expect([second.assembly.runs, second.issues.all()]).toEqual([0, { lost_input: 3 }]);
  });

  test('is never carried forward in part', async () => {
    const { assembly, inbox } = await start({});
    assembly.spans(many);
    await assembly.stop();
    expect(kinds(inbox).slice(0, 1)).toEqual(['carries']);
    const next = await start({ inbox: new MemoryInbox(inbox) });
    expect(next.assembly.runs).toBe(120);
  });

  test('is never carried forward in part, whoever else waits', async () => {
    const { assembly, inbox } = await start({});
    const others = all.map((_, i) => new Passage({ number: 200 + i, vcon: `W${i}` }));
    assembly.spans(many);
    const stopped = assembly.stop();
    assembly.spans(others.flatMap((main) => [main.link(0), main.link(1), main.chain()]).flatMap(spansIn));
    await Promise.all([stopped, assembly.taken()]);
    const next = await start({ inbox: new MemoryInbox(inbox) });
    expect([next.assembly.runs, next.issues.all()]).toEqual([240, {}]);
  });
});

describe('the log', () => {
  test('is kept short, and nothing pins it', async () => {
    const { assembly, inbox, clock } = await start({});
    const open = new Passage({ number: 99, vcon: 'W' });
    deliver(assembly, [open.record(-1)]);
    for (let number = 1; number <= 40; number += 1) {
      const main = new Passage({ number, vcon: `V${number}`, seq: number });
      deliver(assembly, [main.link(0), main.link(1), main.chain()]);
    }
    await clock.pass(SETTLE * 2);
    const before = inbox.entries.length;
    await clock.pass(600_000);
    expect([before > 80, inbox.entries.length < 20]).toEqual([true, true]);
    expect(kinds(inbox)[0]).toBe('carries');
  });

  test('goes on where some of it cannot be read, and counts what is lost', async () => {
    const [lost, kept] = [new Passage(), new Passage({ number: 2, vcon: 'W' })];
    const first = await start({});
    deliver(first.assembly, [lost.link(0), lost.link(1), kept.link(0), kept.link(1)]);
    const entries = first.inbox.entries.map((entry, i) =>
      i < 4 && i > 1 ? { ...entry, body: undefined } : entry,
    );
    const second = await start({ inbox: new MemoryInbox({ entries, lowWatermark: 1 }) });
    expect(second.issues.all()).toEqual({ lost_input: 2 });
    deliver(second.assembly, [kept.chain()]);
    await second.clock.pass(TIMEOUT + SETTLE);
    expect(second.events.ids).toContain(`${kept.chainId}/link/0/complete`);
  });

  test('carries parts that do not grow with the runs that a server has open', () => {
    const assembler = new Assembler();
    for (const pid of [1, 2, 3]) {
      const worker = new FactWorker(pid);
      const facts = [worker.attach()];
      for (let run = 0; run < 400; run += 1) facts.push(worker.run(run, CHAIN).next().value ?? '');
      for (const fact of facts) assembler.takeServerFact(readServerFact(JSON.parse(fact)), 0, noOutcome());
    }
    const parts = [...stateOf(assembler)].filter((part) => part.kind === 'processes');
    const runsIn = parts.map(({ processes }) => processes.map(({ runs }) => runs.open.length));
    expect(runsIn).toEqual([[400, 400], [400]]);
  });

  test('carries what was in hand at that place, whatever comes before all of it is written', () => {
    const assembler = new Assembler();
    const worker = new FactWorker(1);
    const facts = [worker.attach(), ...worker.run(1, CHAIN)];
    const take = (fact: string) => assembler.takeServerFact(readServerFact(JSON.parse(fact)), 0, noOutcome());
    for (const fact of facts.slice(0, 9)) take(fact);
    const [now, before] = [[...stateOf(assembler)].map(comparable), [...stateOf(assembler)]];
    for (const fact of facts.slice(9, 15)) take(fact);
    expect(before.map(comparable)).toEqual(now);
    expect([...stateOf(assembler)].map(comparable)).not.toEqual(now);
  });

  test('says nothing new of what was carried forward but in part', async () => {
    const main = new Passage();
    const first = await start({});
    deliver(first.assembly, [main.link(0), main.record(-1)]);
    const { state: before } = await inHand(first.inbox.entries);
    const carries = encodeEntry({ kind: 'carries' });
    const part: StatePart = { kind: 'unplaced', spans: [...spansIn(main.aside('s1'))] };
    const [place, body] = [first.inbox.entries.length + 1, encodeEntry({ kind: 'carried', of: 3, part })];
    const entries = [...first.inbox.entries, { place, body: carries }, { place: place + 1, body }];
    expect((await inHand(entries)).state).toEqual(before);
  });
});

function spansIn(delivery: Delivery) {
  return 'spans' in delivery ? delivery.spans : [];
}

describe('an entry', () => {
  const main = new Passage();
  const { record } = main.record(0);
  const [span] = spansIn(main.link(0));
  if (span?.stage !== 'link') throw new Error('a link');
  const facts = { spans: [span], records: [record] };
  const entries: Record<string, NewEntry> = {
    'what was received': { kind: 'received', received: receivedOf(facts), window: WINDOW, count: 2 },
    'more of it': { kind: 'more', count: 128 },
    configured: { kind: 'configured', chains: new Map([['main', { links: ['a'], timeout: 5 }]]) },
    closed: { kind: 'closed', run: 'r', at: 5, spansMayCome: true },
    lost: {
      kind: 'lost',
      worker: 'w 1',
      numbers: [
        [1, 3],
        [7, 7],
      ],
    },
    'a part that is carried': {
      kind: 'carried',
      of: 7,
      part: {
        kind: 'workers',
        workers: [
          {
            key: 'w 1',
            low: 1,
            top: 9,
            topTime: 5n,
            hasSpans: true,
            missing: [
              [2, 4],
              [8, 8],
            ],
            givenUp: [[6, 6]],
          },
        ],
      },
    },
    'a call that somebody waits for': { kind: 'called', fact: { ...FACT, kind: 'egress' } },
    'a process that is carried': {
      kind: 'carried',
      of: 7,
      part: {
        kind: 'processes',
        processes: [
          {
            ...{ host: 'h', pid: 1, boot: '5', name: 'w', hasRuns: true, calls: 2, next: 4 },
            waiting: [{ ...FACT, kind: 'alive', runs: [1] }],
            runs: {
              hearing: { spans: true, exportsSpans: true, extras: true, afterLink: true, hashes: false },
              open: [],
              skipping: ['t'],
              gaps: [],
            },
          },
        ],
      },
    },
    'closed runs that are carried': {
      kind: 'carried',
      of: 7,
      part: { kind: 'closed', packed: Buffer.from([0, 1, 127, 128, 255]) },
    },
    'an open run that is carried': {
      kind: 'carried',
      of: 7,
      part: {
        kind: 'open',
        runs: [
          {
            id: 'r',
            rootSpanId: 'r',
            traceId: 't',
            chain: 'main',
            isGapped: false,
            isMisled: false,
            facts: {
              chainSpan: undefined,
              links: new Map([[0, span]]),
              storages: [],
              records: new Map([[0, record]]),
            },
            uuids: ['V'],
            isNameless: false,
            emitted: [],
          },
        ],
      },
    },
  };

  test.for(Object.entries(entries))('is read as it was written: %s', ([, entry]) => {
    const read = decodeEntry(encodeEntry(entry));
    // A view of the entry.
    const bytes = read?.kind === 'received' && { ...read.received, bytes: Buffer.from(read.received.bytes) };
    expect(bytes ? { ...read, received: bytes } : read).toEqual(entry);
  });

  test('of facts that were not kept as they came is read as versions before wrote it', () => {
    const fact = { ...FACT, kind: 'egress', time: '7' };
    const written = [
      { kind: 'spans', spans: [span] },
      { kind: 'record', record: { ...record, time: String(record.time) } },
      { kind: 'server', fact },
    ];
    const bodies = written.map((entry) => Buffer.from(JSON.stringify(entry)));
    expect(bodies.map(decodeEntry)).toEqual([
      { kind: 'facts', spans: [span], records: [] },
      { kind: 'facts', spans: [], records: [record] },
      { kind: 'facts', spans: [], records: [{ ...fact, time: 7n }] },
    ]);
  });

  test('of a later version is left alone', () => {
    const bodies = ['{"kind":"later"}', 'no JSON', '', '\u0001\u0009\u0000'].map((body) => Buffer.from(body));
    expect(bodies.map(decodeEntry)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
