import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createTraceState, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { detectResources, resourceFromAttributes } from '@opentelemetry/resources';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { DropReason } from '../../src/exporters/loss-log.ts';
import { Settled, type SettledRange } from '../../src/exporters/span-log/settled.ts';
import { SpanLog, type SpanLogSettings } from '../../src/exporters/span-log/span-log.ts';
import { spansOfText, textOfSpans } from '../../src/exporters/span-log/span-text.ts';
import { systemClock } from '../../src/model/clock.ts';
import { runs } from '../support/search.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { recordLog } from './recorded-log.ts';

/** Spans as an SDK makes them, by name. */
function spansNamed(names: readonly string[]): ReadableSpan[] {
  const ended: ReadableSpan[] = [];
  const provider = new TracerProvider({
    spanProcessors: [
      {
        onStart: () => {},
        onEnd: (span) => void ended.push(span),
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  });
  for (const name of names) provider.getTracer('test').startSpan(name).end();
  return ended;
}

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `s${from + i}`);

async function open(folder: string, settings: Partial<SpanLogSettings> = {}) {
  const log = await SpanLog.open({
    folder,
    retention: 60_000,
    maxSize: 1e8,
    clock: systemClock,
    ...settings,
  });
  const losses = new Map<DropReason, number>();
  log.dropped = (spans, why) => void losses.set(why, (losses.get(why) ?? 0) + spans);
  onTestFinished(() => log.close());
  const lost = () => [...losses.values()].reduce((sum, spans) => sum + spans, 0);
  return { log, lost, why: () => [...losses.keys()] };
}

/** Reads whatever there is to read. */
async function readAll(log: SpanLog): Promise<[number: number, name: string][]> {
  const all: [number, string][] = [];
  for (let spans = await log.read(); spans.length > 0; spans = await log.read())
    all.push(...spans.map(([number, { name }]) => [number, name] as [number, string]));
  return all;
}

/** The folder, and what is beside it, as a process that was killed leaves them. */
function left(folder: string): string {
  const copy = temporaryFolder();
  const beside = dirname(folder);
  cpSync(dirname(beside), copy, { recursive: true });
  return join(copy, basename(beside), basename(folder));
}

async function add(log: SpanLog, names: readonly string[]): Promise<void> {
  for (const span of spansNamed(names)) log.add(span);
  await log.durable();
}

const segments = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.spans'));

test('an exporter cannot tell a span that was kept from the one that the SDK has made', async () => {
  const [plain] = spansNamed(['a']);
  const context = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
  const traceState = createTraceState('vendor=x');
  const full: ReadableSpan = {
    ...(plain as ReadableSpan),
    name: 'link.tag “ü”',
    kind: SpanKind.CLIENT,
    spanContext: () => ({ ...context, traceState }),
    parentSpanContext: { ...context, spanId: '3'.repeat(16), isRemote: true },
    startTime: [1_772_366_400, 123_456_789],
    endTime: [1_772_366_401, 1],
    duration: [0, 876_543_212],
    status: { code: SpanStatusCode.ERROR, message: 'TypeError' },
    attributes: { text: 'x', list: ['a', 'b'], yes: true, half: 0.5, whole: 7 },
    links: [{ context: { ...context, traceState }, attributes: { of: 1 }, droppedAttributesCount: 2 }],
    events: [{ name: 'exception', time: [1_772_366_400, 5], attributes: { 'exception.type': 'E' } }],
    instrumentationScope: { name: 'vcon-otel', version: '1', schemaUrl: 'https://example.org/1' },
    resource: resourceFromAttributes({ 'service.name': 's' }, { schemaUrl: 'https://example.org/2' }),
    droppedAttributesCount: 1,
    droppedEventsCount: 2,
    droppedLinksCount: 3,
  };
  const kept = spansOfText(await textOfSpans([full, plain as ReadableSpan]));
  const sent = (spans: ReadableSpan[]) =>
    Buffer.from(JsonTraceSerializer.serializeRequest(spans) ?? []).toString();
  expect(sent(kept)).toBe(sent([full, plain as ReadableSpan]));
});

test('a span waits for what is found out of its resource later on', async () => {
  const [plain] = spansNamed(['a']);
  const resource = detectResources({
    detectors: [{ detect: () => ({ attributes: { 'host.id': Promise.resolve('h1') } }) }],
  });
  const [span] = spansOfText(await textOfSpans([plain as ReadableSpan]));
  const [kept] = spansOfText(await textOfSpans([{ ...(span as ReadableSpan), resource }]));
  expect(kept?.resource.attributes).toEqual({ 'host.id': 'h1' });
});

test('what is settled is settled, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(60), fc.nat(12))), fc.nat(60), (ranges, position) => {
      const settled = new Settled(position);
      const model = new Set(Array.from({ length: position }, (_, i) => i));
      for (const [from, count] of ranges) {
        const range: SettledRange = [from, from + count];
        settled.add(range);
        for (let i = from; i < from + count; i += 1) model.add(i);
      }
      const open = Array.from({ length: 80 }, (_, i) => i).filter((i) => !model.has(i));
      expect(settled.open([0, 80])).toBe(open.length);
      expect(settled.position).toBe(open[0]);
      const again = new Settled(settled.position, settled.beyond);
      expect(Array.from({ length: 80 }, (_, i) => i).filter((i) => !again.has(i))).toEqual(open);
      const singly = new Settled(position);
      singly.addAll(ranges.flatMap(([from, count]) => Array.from({ length: count }, (_, i) => from + i)));
      expect([singly.position, singly.beyond]).toEqual([settled.position, settled.beyond]);
    }),
    { numRuns: runs(200) },
  );
});

test('a process that was killed leaves every span to the next one, but for those that are settled', async () => {
  const folder = join(temporaryFolder(), 'beside', 'log');
  const { log } = await open(folder);
  await add(log, numbered(0, 3_000));
  expect((await log.read()).length).toBeGreaterThan(0);
  log.settle([0, 1, 2, 7, 8, 2_999]);
  await expect.poll(() => readdirSync(folder)).toContain('place');
  const next = await open(left(folder));
  expect(next.log.depth).toBe(2_994);
  const read = await readAll(next.log);
  expect(read.map(([, name]) => name)).toEqual(
    numbered(0, 3_000).filter((name) => !['s0', 's1', 's2', 's7', 's8', 's2999'].includes(name)),
  );
  await add(next.log, ['new']);
  expect(await readAll(next.log)).toEqual([[3_000, 'new']]);
  next.log.settle([...read.map(([number]) => number), 3_000]);
  expect(next.log.depth).toBe(0);
});

test('a line that was torn or changed is lost alone, and counted', async () => {
  const folder = join(temporaryFolder(), 'beside', 'log');
  const { log } = await open(folder);
  for (let i = 0; i < 4; i += 1) await add(log, numbered(i * 10, i * 10 + 10));
  const copy = left(folder);
  const [name = ''] = segments(copy);
  const lines = readFileSync(join(copy, name), 'utf8').trimEnd().split('\n');
  expect(lines.length).toBe(4);
  lines[1] = `${lines[1]}`.replace(/.$/, '!');
  writeFileSync(join(copy, name), `${lines.join('\n').slice(0, -5)}`);
  const next = await open(copy);
  expect((await readAll(next.log)).map(([, span]) => span)).toEqual([
    ...numbered(0, 10),
    ...numbered(20, 30),
  ]);
  expect(next.lost()).toBe(20);
  expect(next.why()).toEqual(['unreadable']);
  await add(next.log, ['new']);
  expect(await readAll(next.log)).toEqual([[40, 'new']]);
});

test.each<[string, (folder: string, segment: string) => void]>([
  ['segment deleted', (_, segment) => rmSync(segment)],
  ['segment emptied', (_, segment) => truncateSync(segment)],
  ['segment cut off', (_, segment) => truncateSync(segment, 10)],
  ['segment overwritten', (_, segment) => writeFileSync(segment, 'x'.repeat(statSync(segment).size))],
  ['folder deleted', (folder) => rmSync(folder, { recursive: true })],
  ['the folder of all logs deleted', (folder) => rmSync(dirname(folder), { recursive: true })],
])('spans are counted as lost, and none that was sent: %s', async (_, harm) => {
  const folder = join(temporaryFolder(), 'beside', 'log');
  const { log } = await open(folder);
  await add(log, numbered(0, 100));
  log.settle(Array.from({ length: 60 }, (_, i) => i));
  await add(log, numbered(100, 150));
  const copy = left(folder);
  harm(copy, join(copy, segments(copy)[0] ?? ''));
  const next = await open(copy);
  expect(await readAll(next.log)).toEqual([]);
  expect([next.lost(), next.why()]).toEqual([90, ['unreadable']]);
  const after = await open(left(copy));
  expect([await readAll(after.log), after.lost()]).toEqual([[], 0]);
});

test('a place that is gone or changed is told, and costs no span', async () => {
  const folder = join(temporaryFolder(), 'beside', 'log');
  const { log } = await open(folder);
  await add(log, numbered(0, 100));
  log.settle([...Array.from({ length: 60 }, (_, i) => i), 80]);
  const place = readFileSync(join(folder, 'place'), 'utf8');
  for (const harm of [undefined, '', place.replace('"position":60', '"position":99')]) {
    const copy = left(folder);
    if (harm === undefined) rmSync(join(copy, 'place'));
    else writeFileSync(join(copy, 'place'), harm);
    const said = recordLog();
    const next = await open(copy);
    said.stop();
    expect(said.lines.join()).toContain('the place in a log of spans is gone');
    expect((await readAll(next.log)).map(([, name]) => name)).toEqual(numbered(60, 100));
    expect(next.lost()).toBe(0);
  }
});

test('it takes no more room than it may: the oldest go first, and are counted', async () => {
  const folder = join(temporaryFolder(), 'beside', 'log');
  const maxSize = 60_000;
  const { log, lost, why } = await open(folder, { maxSize });
  for (let i = 0; i < 40; i += 1) await add(log, numbered(i * 100, i * 100 + 100));
  const size = segments(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  expect(size).toBeLessThan(maxSize * 1.3);
  expect(lost()).toBeGreaterThan(0);
  expect(why()).toEqual(['no_room']);
  expect(log.depth).toBe(4_000 - lost());
  expect((await readAll(log)).map(([, name]) => name)).toEqual(numbered(lost(), 4_000));
});

test('nothing is kept longer than it may be', async () => {
  const folder = join(temporaryFolder(), 'beside', 'log');
  let now = Date.now();
  const clock = { ...systemClock, now: () => now };
  const { log, lost, why } = await open(folder, { clock, retention: 1_000 });
  await add(log, ['old']);
  expect(log.oldestAge).toBe(0);
  now += 2_000;
  expect(log.oldestAge).toBe(2);
  await add(log, ['new']);
  expect([lost(), why()]).toEqual([1, ['too_old']]);
  expect((await readAll(log)).map(([, name]) => name)).toEqual(['new']);
});

test('segments of which everything is settled are removed', async () => {
  const folder = join(temporaryFolder(), 'beside', 'log');
  const { log, lost } = await open(folder, { maxSize: 40_000 });
  for (let i = 0; i < 20; i += 1) {
    await add(log, numbered(i * 100, i * 100 + 100));
    log.settle((await readAll(log)).map(([number]) => number));
  }
  await expect.poll(() => segments(folder).length).toBe(1);
  expect(lost()).toBe(0);
});

test('what a disk does not take stays in memory, and is written when it can be', async () => {
  const folder = join(temporaryFolder(), 'beside', 'log');
  const { log } = await open(folder);
  await add(log, ['before']);
  // The segment is deleted from under it.
  rmSync(folder, { recursive: true });
  await add(log, ['after']);
  expect(log.unwritten).toBe(0);
  expect((await readAll(log)).map(([, name]) => name)).toEqual(['after']);
});

test('no two processes have one log', async () => {
  const folder = join(temporaryFolder(), 'beside', 'log');
  await open(folder);
  let elapsed = 0;
  const clock = {
    ...systemClock,
    elapsed: () => elapsed,
    after: (milliseconds: number, work: () => void) => {
      elapsed += milliseconds * 100;
      return systemClock.after(0, work);
    },
  };
  await expect(open(folder, { clock })).rejects.toMatchObject({ code: 'JOURNAL_IN_USE' });
});
