import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ScrapeReader } from '../../src/exporters/prometheus/scrape-reader.ts';
import type { Description } from '../../src/isolation/messages.ts';
import { ThreadedTracer, type ThreadedTracerSettings } from '../../src/isolation/threaded-tracer.ts';
import { systemClock } from '../../src/model/clock.ts';
import { VconOtelError } from '../../src/model/error.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import type { ConserverTracer } from '../../src/model/tracer.ts';
import type { VconLookup } from '../../src/model/vcon.ts';
import { PATIENCE } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MOODY = join(import.meta.dirname, 'moody-tracer.ts');
const CANARY = /canary|0190bbbb/;

function event(uuid: string, more: Partial<ChainEvent> = {}): ChainEvent {
  return {
    ...{
      eventId: `r/chain/${uuid}`,
      runId: 'r',
      stage: 'chain',
      phase: 'start',
      chain: 'main',
      links: ['a', 'b'],
    },
    ...{ link: undefined, linkIndex: undefined, storage: undefined, inVconUuid: uuid, outVconUuid: uuid },
    ...{ outcome: undefined, errorType: undefined, time: 1, duration: undefined, vconSha256: undefined },
    ...{ spanContext: { traceId: 'a', spanId: 'b', traceFlags: 1 }, inferred: [], ...more },
  } as ChainEvent;
}

/** Quick to lose patience, but not on a busy machine. */
function thread(settings: Partial<ThreadedTracerSettings> = {}) {
  const heard = join(temporaryFolder(), 'heard');
  writeFileSync(heard, '');
  const told: string[] = [];
  const made = new ThreadedTracer({
    ...{ name: 'moody', file: MOODY, options: { file: heard }, timeout: 60_000, concurrency: 16 },
    ...{ patience: 5_000, making: 60_000, memory: 200, clock: systemClock },
    ended: (reason) => told.push(reason),
    stray: (type) => told.push(`stray ${type}`),
    ...settings,
  });
  onTestFinished(() => made.kill());
  const lines = () =>
    readFileSync(heard, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  return { made, told, lines };
}

const vcons: VconLookup = {
  read: async (uuid, of) => {
    if (uuid === 'no-store') throw new VconOtelError('STORE_UNAVAILABLE', 'it is away');
    return `document ${uuid} for ${of?.eventId}`;
  },
  write: async () => undefined,
  close: async () => undefined,
};

async function started(settings: Partial<ThreadedTracerSettings> = {}, meterProvider?: MeterProvider) {
  const { made, told, lines } = thread(settings);
  const description = await made.made;
  const module = made.module(description);
  const tracer = module.create({}, { name: 'moody', vcons, ...(meterProvider && { meterProvider }) });
  const { trace, traceBatch, run, ...others } = tracer as ConserverTracer;
  return {
    ...{ made, told, lines, description, ...others },
    trace: async (uuid: string, more: Partial<ChainEvent> = {}) =>
      trace?.(uuid, 'chain_start', {}, event(uuid, more)),
    traceBatch: async (...uuids: string[]) =>
      traceBatch?.(
        uuids.map((uuid, i) => event(uuid, { eventId: `r${i}/${uuid}` })),
        {},
      ),
    run: async (uuid: string, index: number) =>
      run?.('in', uuid, 'moody', ['a', 'b'], index, {}, event(uuid, { inVconUuid: 'in' })),
  };
}

describe('a tracer in a thread of its own', () => {
  test('is what its module says', async () => {
    const { description } = await started();
    expect(description).toEqual({
      ...{
        has: { trace: true, traceBatch: true, run: true },
        completion: false,
        audit: true,
        readsVcons: false,
      },
      remarks: ['its level is 1'],
      files: [],
    } satisfies Description);
  });

  test('is called with what it would be called with in place', async () => {
    const { trace, run, lines } = await started();
    const more = { calls: 'trace', duration: 0.25, inferred: ['time'], outcome: 'halted' } as const;
    expect(await trace('fine', more)).toBe(true);
    expect(await run('fine', -1)).toBe(true);
    expect(await run('refused', 1)).toBe(false);
    const [first, ...others] = lines();
    expect(first.context).toEqual(JSON.parse(JSON.stringify(event('fine', more))));
    expect(first).toMatchObject({ event: 'chain_start', options: { level: 1 }, frozen: true });
    expect(others).toEqual([
      { run: ['in', 'fine', 'moody', ['a', 'b'], -1] },
      { run: ['in', 'refused', 'moody', ['a', 'b'], 1] },
    ]);
  });

  test('looks up vCons in the store that everybody has', async () => {
    const { trace, lines } = await started();
    await trace('reads');
    await trace('no-store');
    expect(lines()).toContainEqual({ text: 'document reads for r/chain/reads' });
    expect(lines()).toContainEqual({ error: 'STORE_UNAVAILABLE' });
  });

  test('fails by type, and with what a DeliveryError says', async () => {
    const { trace } = await started({ timeout: 50 });
    await expect(trace('fails')).rejects.toMatchObject({ name: 'TypeError', permanent: false });
    const error = { name: 'DeliveryError', permanent: true, retryAfter: 7 };
    await expect(trace('permanent')).rejects.toMatchObject(error);
    await expect(trace('permanent')).rejects.not.toThrow(CANARY);
    await expect(trace('hangs')).rejects.toMatchObject({ name: 'TIMEOUT' });
  });

  test('takes the events of a batch together, and answers for each', async () => {
    const { traceBatch, lines } = await started();
    expect(await traceBatch('fine', 'says')).toBe(true);
    expect(lines()[0]).toEqual({ together: ['r0/fine', 'r1/says'] });
    expect(await traceBatch('fine', 'fails', 'permanent')).toEqual([
      { status: 'fulfilled', value: undefined },
      { status: 'rejected', reason: expect.objectContaining({ name: 'TypeError', permanent: false }) },
      { status: 'rejected', reason: expect.objectContaining({ permanent: true, retryAfter: 7 }) },
    ]);
  });

  test('fails as a whole where a batch does', async () => {
    const { traceBatch } = await started({ timeout: 50 });
    await expect(traceBatch('fails', 'fails')).rejects.toMatchObject({ name: 'TypeError' });
    await expect(traceBatch('hangs', 'hangs')).rejects.toMatchObject({ name: 'TIMEOUT' });
    await expect(traceBatch('leave', 'leave')).rejects.toMatchObject({ name: 'ThreadEnded' });
  });

  test('measures, and says over OpenTelemetry’s diagnostics, where everybody does', async () => {
    const reader = new ScrapeReader();
    const meterProvider = new MeterProvider({ readers: [reader] });
    onTestFinished(() => meterProvider.shutdown());
    const warn = vi.fn();
    const logger = { error: warn, warn, info: warn, debug: warn, verbose: warn };
    diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
    onTestFinished(() => diag.disable());
    const { trace } = await started({}, meterProvider);
    await trace('says');
    await trace('fine');
    await vi.waitFor(async () => {
      const { body } = await reader.page();
      expect(body).toMatch(/^moody_calls_total\{.*event="chain_start".*\} 2/m);
      expect(body).toMatch(/^moody_heard\{.*\} 2/m);
    }, PATIENCE);
    expect(warn.mock.calls).toContainEqual(['vcon-otel/moody', 'it says so']);
  });

  test('is flushed and shut down as it would be in place', async () => {
    const { forceFlush, shutdown, trace, lines } = await started();
    await forceFlush?.();
    await shutdown?.();
    await shutdown?.();
    expect(lines()).toEqual(['flushed', 'shut down']);
    await expect(trace('fine')).rejects.toMatchObject({ name: 'ThreadEnded' });
  });

  test('what it prints while it is shut down comes out, to the last line', async () => {
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    onTestFinished(() => out.mockRestore());
    const { made } = await started({ options: { file: join(temporaryFolder(), 'heard'), last_words: 20 } });
    await made.close();
    const printed = out.mock.calls.map(([text]) => String(text)).join('');
    expect(printed.match(/^last word \d+$/gm)).toHaveLength(20);
  });
});

describe('what a tracer does ends its thread alone', () => {
  test.each([
    ['spin', 'it did not yield for 5 s'],
    ['leave', 'it ended the thread'],
    ['leak', 'it used more memory than it may'],
    ['piles', 'it used more memory than it may', 60_000],
    ['hoards', 'it used more memory than it may', 60_000],
    ['later', 'uncaught TypeError'],
    ['patches', 'what it says cannot be read'],
  ])('%s: it is told, and started again', async (mood, reason, patience = 5_000) => {
    const { made, trace, told } = await started({ patience });
    const answers = await Promise.allSettled([trace('fine'), trace(mood)]);
    // What was answered before counts.
    expect(answers[0]).toEqual({ status: 'fulfilled', value: true });
    await vi.waitUntil(() => told.length > 0, PATIENCE);
    expect(told).toEqual([reason]);
    expect(made.state).toMatchObject({ isUp: false, ends: 1, lastEnd: { reason } });
    expect(await trace('fine')).toBe(true);
    expect(made.state).toMatchObject({ isUp: true, ends: 1 });
  });

  test('a promise that is rejected and waited for by nobody is told by its type, and ends nothing', async () => {
    const { made, trace, told } = await started();
    await trace('rejects');
    await vi.waitUntil(() => told.length > 0, PATIENCE);
    expect(told).toEqual(['stray RangeError']);
    expect(made.state).toMatchObject({ isUp: true, ends: 0 });
  });

  test('its process cannot be sent a signal or aborted, and may be asked for', async () => {
    const { made, trace } = await started();
    const unsupported = { name: 'ERR_WORKER_UNSUPPORTED_OPERATION' };
    for (const mood of ['kills', 'kills by name', 'aborts'])
      await expect(trace(mood)).rejects.toMatchObject(unsupported);
    expect(await trace('looks')).toBe(true);
    expect(made.state).toMatchObject({ isUp: true, ends: 0 });
  });

  test('what it says over the ports that it finds is for nobody', async () => {
    const { made, trace } = await started();
    expect(await trace('babbles')).toBe(true);
    expect(await trace('fine')).toBe(true);
    expect(made.state).toMatchObject({ isUp: true, ends: 0 });
    expect(process.memoryUsage().external).toBeLessThan(90_000_000);
  });

  test('one in code that nothing interrupts is told, and started again when it is through', async () => {
    const { made, trace, told } = await started({ patience: 1_000 });
    await expect(trace('searches')).rejects.toMatchObject({ name: 'ThreadEnded' });
    const reason = 'it did not yield for 1 s, and goes on in code that nothing interrupts';
    expect(told).toEqual([reason]);
    expect(made.state).toMatchObject({ isUp: false, ends: 1, lastEnd: { reason } });
    await made.kill();
  });

  test('calls that wait for the thread fail in time', async () => {
    const { trace, told } = await started({ timeout: 1 });
    await trace('leave').catch(() => undefined);
    await vi.waitUntil(() => told.length > 0, PATIENCE);
    await expect(trace('fine')).rejects.toMatchObject({ code: 'TIMEOUT' });
  });
});

describe('a tracer that cannot be made in its thread is an error of the start', () => {
  test.each([
    ['throw new TypeError("canary")', 'MODULE_INVALID', /could not be loaded \(TypeError/],
    ['for (;;);', 'TRACER_FAILED', /its thread has ended: it did not yield/],
    ['process.exit(0)', 'TRACER_FAILED', /its thread has ended: it ended the thread/],
    ['export const nothing = 1', 'MODULE_INVALID', /neither a definition/],
    [
      'export default { create() { throw new Error("canary") } }',
      'TRACER_FAILED',
      /could not be made: Error/,
    ],
    ['export default { create: () => ({ onStart() {}, onEnd() {} }) }', 'MODULE_INVALID', /isolation: none/],
  ])('%s', async (text, code, message) => {
    const file = join(temporaryFolder(), 'tracer.mjs');
    writeFileSync(file, text);
    const { made } = thread({ file, making: 5_000 });
    const error = await made.made.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(String(error)).not.toMatch(CANARY);
  });

  test('its options are checked there', async () => {
    const { made } = thread({ options: { file: 'x', levels: 2 } });
    await expect(made.made).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      path: 'tracers.moody.options.levels',
      message: expect.stringContaining('level'),
    });
  });

  test('options that are not plain data stay where they are', async () => {
    const { made } = thread({ options: { file: () => 'x' } });
    await expect(made.made).rejects.toMatchObject({ code: 'OPTIONS_INVALID', path: 'tracers.moody.options' });
  });
});
