import { describe, expect, test } from 'vitest';
import type { SpanFact } from '../../../src/model/fact.ts';
import type { ServerEvent, ServerFact, ServerSpan } from '../../../src/model/server-fact.ts';
import { randomOf } from '../../faults/random.ts';
import { factRecordings, NO_FACTS, recordedFacts } from '../../support/captured-facts.ts';
import { MemoryInbox } from '../../support/memory-inbox.ts';
import { type Call, inShort } from '../../support/recording-tracer.ts';
import { openHarness } from '../harness.ts';

const LIMITS = { settle: 10_000, timeout: 60_000 };
/** Longer than anything is waited for. */
const LONG = 120_000;
const STRICT = { options: { dlq_vcon_on_error: true } };
const [V, N] = ['018f0000-0000-8000-8000-000000000001', '018f0000-0000-8000-8000-000000000002'] as const;
const TRACE = 'a'.repeat(32);
const CHAIN = '1'.repeat(16);
const LINKS = ['a', 'b'];

type Event = Call['context'];

describe('facts of one run', () => {
  test('a caller who waits hears of its own call, although one before it is missing', async () => {
    const { assembly, calls, ...harness } = await openHarness({ ...LIMITS, ...STRICT });
    const facts = aRun();
    for (const fact of facts.slice(0, 5)) assembly.record(fact);
    await assembly.record(numberOf(facts, 'tracer', 0)).delivered();
    expect(runsOf(calls)).toEqual([`run -1 ${V}→${V}`, `run 0 ${V}→${N}`]);
    await harness.close();
  });

  test('a caller who waits in a run of which nothing came is not told of the one before', async () => {
    const { assembly, calls, ...harness } = await openHarness({ ...LIMITS, ...STRICT });
    for (const fact of aRun().slice(0, 4)) assembly.record(fact);
    const next = aRun(20);
    await assembly.record(numberOf(next, 'tracer', 0)).delivered();
    expect(runsOf(calls)).toEqual([`run -1 ${V}→${V}`, `run -1 ${V}→${V}`, `run 0 ${V}→${N}`]);
    expect(new Set(calls.map(({ context }) => context.runId)).size).toBe(2);
    await harness.close();
  });

  test('a caller who waits after a restart is answered when the tracer has answered', async () => {
    const inbox = new MemoryInbox();
    const before = await openHarness({ ...LIMITS, ...STRICT, inbox });
    const facts = aRun();
    for (const fact of facts.slice(0, 6)) before.assembly.record(fact);
    await before.durable();
    const answered: number[] = [];
    const answer = async (call: Call) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (call.call === 'run') answered.push(call.index);
    };
    const after = await openHarness({ ...LIMITS, ...STRICT, inbox: new MemoryInbox(inbox), answer });
    await before.close();
    await after.assembly.record(numberOf(facts, 'tracer', 0)).delivered();
    expect(answered).toEqual([-1, 0]);
    await after.close();
  });

  test('where an older server has no hook of a run, a caller who waits is answered', async () => {
    const { assembly, calls, ...harness } = await openHarness({ ...LIMITS, ...STRICT });
    assembly.record(fact(1, attach({ hasRuns: false, afterLink: false, spans: false })));
    for (const [at, index] of [-1, 0, 1].entries()) {
      const call = { ...fact(at + 2, called(index, V)), run: undefined };
      assembly.record(call);
      await assembly.record(call).delivered();
    }
    expect(runsOf(calls)).toEqual([`run -1 ${V}→${V}`, `run 0 ${V}→${V}`, `run 1 ${V}→${V}`]);
    await harness.close();
  });

  test('of a run that was given up nothing more is said when its process turns out to live', async () => {
    for (const spans of [true, false]) {
      const { assembly, calls, issues, ...harness } = await openHarness(LIMITS);
      const facts = aRun(1, spans);
      for (const each of facts.slice(0, 5)) assembly.record(each);
      await harness.pass(LONG);
      for (const each of facts.slice(5)) assembly.record(each);
      await harness.pass(LONG);
      expect(endsOf(calls)).toEqual(['chain_lost']);
      expect(new Set(calls.map(({ context }) => context.runId)).size).toBe(1);
      expect(issues.of('unplaced_fact')).toBeGreaterThan(0);
      await harness.close();
    }
  });

  test('a run that there is no room for is told as it stands, and nothing more is said of it, wherever it was', async () => {
    for (const spans of [true, false])
      for (let at = 2; at < aRun(1, spans).length; at += 1) {
        const { assembly, calls, issues, ...harness } = await openHarness(LIMITS);
        const facts = aRun(1, spans);
        for (const each of facts.slice(0, at)) assembly.record(each);
        await harness.relieve();
        for (const each of facts.slice(at)) assembly.record(each);
        // The next of its thread is heard.
        for (const each of aRun(100, spans).slice(1)) assembly.record(each);
        await harness.pass(LONG);
        const hasEnded = facts
          .slice(0, at)
          .some((each) => each.kind === 'span_end' && each.stage === 'chain');
        expect(endsOf(calls)).toEqual([hasEnded ? 'chain_complete' : 'chain_lost', 'chain_complete']);
        const starts = calls.filter((call) => call.call === 'trace' && call.event === 'chain_start');
        expect(starts).toHaveLength(2);
        expect(issues.of('evicted_run')).toBe(1);
        await harness.close();
      }
  });

  test('a run that there was no room for is over after a restart', async () => {
    const inbox = new MemoryInbox();
    const before = await openHarness({ ...LIMITS, inbox });
    const facts = aRun();
    for (const each of facts.slice(0, 5)) before.assembly.record(each);
    await before.relieve();
    await before.durable();
    const after = await openHarness({ ...LIMITS, inbox: new MemoryInbox(inbox) });
    await before.close();
    for (const each of facts.slice(5)) after.assembly.record(each);
    await after.pass(LONG);
    const ends = new Set([...before.calls, ...after.calls].filter(({ context }) => isEnd(context)));
    expect([...ends].map(({ context }) => context.phase)).toEqual(Array(ends.size).fill('lost'));
    expect(after.assembly.runs).toBe(0);
    await after.close();
  });

  test('a link whose end is lost ends when it began, and says that nobody knows', async () => {
    const { assembly, calls, ...harness } = await openHarness(LIMITS);
    for (const each of aRun()) if (each.seq < 6 || each.seq > 8) assembly.record(each);
    await harness.pass(LONG);
    const [start, end] = calls
      .filter(({ call, context }) => call === 'trace' && context.linkIndex === 0)
      .map(({ context }) => context);
    expect(end).toMatchObject({
      time: start?.time,
      inferred: expect.arrayContaining(['time', 'duration']),
    });
    await harness.close();
  });

  test('what a process can be heard of is known as long as it lives, whatever others are called', async () => {
    const { assembly, calls, ...harness } = await openHarness(LIMITS);
    const old = attach({ afterLink: false });
    assembly.record(fact(1, old));
    assembly.record({ ...fact(1, old), boot: '6', pid: 2 });
    await harness.pass(20_000);
    for (const each of aRun().slice(1)) if (each.kind !== 'after_link') assembly.record(renumbered(each));
    await harness.pass(LONG);
    expect(endsOf(calls)).toEqual(['chain_complete']);
    await harness.close();
  });

  test('that a process does not hold a run open counts across a restart', async () => {
    const inbox = new MemoryInbox();
    const before = await openHarness({ ...LIMITS, inbox });
    const alive = (seq: number) => ({ ...fact(seq, { kind: 'alive', runs: [] }), run: undefined });
    for (const each of [...aRun().slice(0, 4), alive(5)]) before.assembly.record(each);
    await before.close();
    const after = await openHarness({ ...LIMITS, inbox: new MemoryInbox(inbox) });
    after.assembly.record(alive(6));
    await after.heard();
    expect(endsOf(after.calls)).toEqual(['chain_lost']);
    await after.close();
  });

  test('facts that come after all was said of the run by its spans say nothing once more', async () => {
    const { assembly, calls, issues, ...harness } = await openHarness(LIMITS);
    assembly.spans([chainSpan()]);
    await harness.pass(LONG);
    expect(endsOf(calls)).toEqual(['chain_lost']);
    const heard = calls.length;
    for (const each of aRun()) assembly.record(each);
    await harness.pass(LONG);
    expect(calls.length).toBe(heard);
    expect(issues.of('late_record')).toBeGreaterThan(0);
    await harness.close();
  });
});

test('where no process has told facts for a day, a run of spans waits for none', async () => {
  for (const [hours, ends] of [
    [1, []],
    [25, ['chain_error']],
  ] as const) {
    const { assembly, calls, ...harness } = await openHarness(LIMITS);
    assembly.record(fact(1, attach()));
    await harness.pass(hours * 3_600_000);
    assembly.spans([chainSpan(), linkSpan()]);
    await harness.pass(LIMITS.settle + 2_000);
    expect(endsOf(calls)).toEqual(ends);
    await harness.close();
  }
});

describe.skipIf(NO_FACTS)('whatever facts are lost, nothing untrue is said', () => {
  for (const recording of factRecordings())
    test(recording, async () => {
      const facts = numbered(recordedFacts(recording, true));
      const truth = eventsOf(await told(facts));
      for (let seed = 1; seed <= 3; seed += 1) {
        const random = randomOf(seed);
        const from = Math.floor(random() * facts.length);
        const to = from + 1 + Math.floor(random() * 40);
        const lossy = await told(
          facts.filter((_, at) => (seed === 1 ? random() > 0.1 : at < from || at >= to)),
        );
        expect(lossy.filter(isUntrue(truth)).map(inWords)).toEqual([]);
        const ends = lossy.filter(({ call, context }) => call === 'trace' && isEnd(context));
        expect(ends.length).toBe(new Set(ends.map(({ context }) => context.runId)).size);
        const runs = lossy.flatMap((call) =>
          call.call === 'run' ? [`${call.context.runId} ${call.index}`] : [],
        );
        expect(runs.length).toBe(new Set(runs).size);
      }
    });
});

async function told(facts: readonly ServerFact[]): Promise<Call[]> {
  const harness = await openHarness(LIMITS);
  for (const each of facts) harness.assembly.record(each);
  await harness.pass(LONG);
  await harness.close();
  return harness.calls;
}

/** Whether an event contradicts what is heard where nothing is lost; of a run that goes by another id nothing is asked. */
function isUntrue(truth: ReadonlyMap<string, Event>) {
  const ends = new Map([...truth.values()].filter(isEnd).map((event) => [event.runId, event]));
  return ({ context: event }: Call): boolean => {
    const end = ends.get(event.runId);
    if (!end || event.stage === 'storage') return false;
    if (isEnd(event)) return event.outcome !== 'unknown' && event.outcome !== end.outcome;
    if (event.stage === 'chain') return false;
    const link = truth.get(event.eventId);
    if (!link || link.link !== event.link) return true;
    if (event.phase === 'start') return false;
    const isOtherwise = event.outcome !== 'unknown' && event.outcome !== link.outcome;
    const isElsewhere = event.outVconUuid !== link.outVconUuid && !event.inferred.includes('out_vcon_uuid');
    return isOtherwise || isElsewhere;
  };
}

function isEnd({ stage, phase }: Event): boolean {
  return stage === 'chain' && phase !== 'start';
}

function inWords({ context }: Call): string {
  return `${context.eventId} ${context.link} ${context.outcome} ${context.outVconUuid} ${context.inferred}`;
}

function eventsOf(calls: readonly Call[]): Map<string, Event> {
  return new Map(calls.map(({ context }) => [context.eventId, context]));
}

function endsOf(calls: readonly Call[]): string[] {
  return calls.flatMap((call) => (call.call === 'trace' && isEnd(call.context) ? [call.event] : []));
}

function runsOf(calls: readonly Call[]): string[] {
  return calls.filter(({ call }) => call === 'run').map(inShort);
}

/** The facts of recordings that do not say of which run they are say it as the module does now. */
function numbered(facts: readonly ServerFact[]): ServerFact[] {
  const open = new Map<string, number>();
  return facts.map((each) => {
    const thread = `${each.pid} ${each.boot} ${each.thread}`;
    if (each.kind === 'run_start') open.set(thread, each.seq);
    const run = open.get(thread);
    if (each.kind === 'run_end') open.delete(thread);
    return each.kind === 'span_end' && each.stage === 'chain' ? each : { ...each, run };
  });
}

function fact(seq: number, event: ServerEvent): ServerFact {
  const time = 1_790_000_000_000_000_000n + BigInt(seq) * 1_000_000n;
  return { host: 'h', pid: 1, boot: '5', thread: 't', seq, time, run: 2, ...event };
}

function attach(how: Partial<Extract<ServerEvent, { kind: 'attach' }>> = {}): ServerEvent {
  const hearing = { spans: true, exportsSpans: true, extras: true, hasRuns: true, afterLink: true };
  return { kind: 'attach', process: 'MainProcess', ...hearing, ...how };
}

function called(index: number, after: string): ServerEvent {
  const [linkSpan, vconSha256] = [undefined, undefined];
  return {
    kind: 'tracer',
    tracer: 'v',
    before: V,
    after,
    links: LINKS,
    index,
    chain: 'main',
    linkSpan,
    vconSha256,
  };
}

function span(stage: ServerSpan['stage'], name: string, id: number, index?: number): ServerSpan {
  const parentSpanId = stage === 'chain' ? undefined : CHAIN;
  const ids = { spanId: String(id).repeat(16), traceId: TRACE, parentSpanId };
  return { stage, name, ...ids, chain: 'main', vconUuid: V, index, start: 1_790_000_000_000_000_000n };
}

/** A run of two links, the first of which returns another uuid. @param first the number of its first fact */
function aRun(first = 1, hasSpans = true): ServerFact[] {
  const start = (of: ServerSpan): ServerEvent => ({ kind: 'span_start', ...of });
  const end = (of: ServerSpan, status: 'unset' | 'ok'): ServerEvent => ({
    ...{ kind: 'span_end', end: of.start + 1_000_000_000n, status, error: undefined },
    ...of,
  });
  const returned = (link: string): ServerEvent => {
    return { kind: 'after_link', link, index: undefined, error: undefined, returned: undefined };
  };
  const [chain, a, b] = [span('chain', 'main', 1), span('link', 'a', 2, 0), span('link', 'b', 3, 1)];
  const lists = { storages: [], egressLists: [], queuedBy: undefined };
  const events: ServerEvent[] = [
    attach({ spans: hasSpans }),
    {
      kind: 'run_start',
      vconUuid: V,
      chain: 'main',
      links: LINKS,
      ...lists,
      proceed: true,
      error: undefined,
    },
    ...[start(chain), start(a), called(-1, V), returned('a'), called(0, N), end(a, 'unset')],
    ...[start(b), returned('b'), end(b, 'unset'), end(chain, 'ok')],
    { kind: 'run_end', vconUuid: N, error: undefined, index: undefined, raised: undefined },
  ];
  const heard = events.filter(({ kind }) => hasSpans || !kind.startsWith('span'));
  return heard.map((event, at) => ({ ...fact(first + at, event), run: first + 1 }));
}

/** The call of a link, as if one fact before it were missing. */
function numberOf(facts: readonly ServerFact[], kind: 'tracer', index: number): ServerFact {
  const found = facts.find((each) => each.kind === kind && each.index === index);
  if (!found) throw new RangeError(`no call of link ${index}`);
  return found;
}

/** Without the one `after_link` before it. */
function renumbered(each: ServerFact): ServerFact {
  return { ...each, seq: each.seq - (each.seq > 6 ? 1 : 0) - (each.seq > 10 ? 1 : 0) };
}

/** That failed, and so ends its run. */
function linkSpan(): SpanFact {
  const of = { name: 'a', index: 0, parentSpanId: CHAIN, spanId: '2'.repeat(16) };
  return {
    ...chainSpan(),
    ...of,
    stage: 'link',
    failed: true,
    undecided: false,
    errorType: 'ValueError',
  } as SpanFact;
}

function chainSpan(): SpanFact {
  return {
    ...{ stage: 'chain', chain: 'main', vconUuid: V, inferred: [], links: undefined, queuedBy: [] },
    ...{ traceId: TRACE, spanId: CHAIN, parentSpanId: undefined, vconSha256: undefined },
    ...{ start: [1_790_000_000, 0], end: [1_790_000_001, 0], failed: false, undecided: true },
    ...{ errorType: undefined, outcome: undefined, outVconUuid: undefined },
  };
}
