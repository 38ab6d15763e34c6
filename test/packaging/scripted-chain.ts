import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trace } from '@opentelemetry/api';
import { type ChainRun, type ConserverTracer, TracerSpanProcessor, traceChain } from 'vcon-otel';

/** What a tracer heard of the scripted runs, and what the bridge made of them. */
export interface Heard {
  /** Every call with all its arguments; ids are replaced by the order of their appearance, times by their type. */
  readonly calls: readonly unknown[];
  readonly issues: Readonly<Record<string, number>>;
  /** What the compliance tracer has put into its ledger: the event of each record. */
  readonly recorded: readonly string[];
  /** Whether code inside a link saw the link's span as the active one. */
  readonly nested: boolean;
}

/**
 * Runs three vCons through one chain: one becomes another vCon and meets a storage that fails, one is halted,
 * one makes a link raise.
 * @param start registers a tracer provider with this span processor, as an application does
 */
export async function scriptedCalls(start: (processor: TracerSpanProcessor) => void): Promise<Heard> {
  const calls: unknown[] = [];
  const directory = await mkdtemp(join(tmpdir(), 'vcon-otel-scripted-'));
  const processor = new TracerSpanProcessor({
    tracers: [
      { name: 'scribe', module: scribe(calls), options: { colour: 'blue' } },
      { name: 'audit', module: 'tracers.compliance', options: { directory } },
    ],
  });
  start(processor);
  let nested = false;
  await traceChain(CHAIN, 'V1', async (run) => {
    await run.link('a', (uuid) => {
      const active = trace.getActiveSpan();
      nested = active !== undefined && active !== run.span && active.isRecording();
      return uuid;
    });
    await run.link('nu', () => 'N1');
    await run.link('b', (uuid) => uuid);
    await run.storage({ name: 's1' }, () => undefined);
    await run.storage({ name: 's2' }, () => Promise.reject(new RangeError('on purpose')));
  });
  await traceChain(CHAIN, 'V2', (run) => upTo(run, () => undefined));
  await traceChain(CHAIN, 'V3', (run) => upTo(run, raise)).catch(() => undefined);
  await processor.shutdown();
  const recorded = await recordsIn(directory);
  await rm(directory, { recursive: true });
  return { calls: withoutChance(calls), issues: processor.stats().issues, recorded, nested };
}

async function recordsIn(directory: string): Promise<string[]> {
  const segments = join(directory, 'segments');
  const files = (await readdir(segments)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(segments, file), 'utf8')));
  const lines = texts.join('').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line).event);
}

const CHAIN = { name: 'main', links: ['a', 'nu', 'b'] };

/** Link a, then a link nu that ends the run. */
async function upTo(run: ChainRun, nu: () => undefined): Promise<void> {
  await run.link('a', (uuid) => uuid);
  await run.link('nu', nu);
}

function raise(): never {
  throw new TypeError('on purpose');
}

function scribe(calls: unknown[]): ConserverTracer {
  return {
    trace: (...args) => calls.push(['trace', ...args]),
    run: (...args) => calls.push(['run', ...args]),
  };
}

function withoutChance(calls: readonly unknown[]): unknown[] {
  const ids = new Map<string, string>();
  const named = JSON.stringify(calls).replace(/\b(?:[0-9a-f]{32}|[0-9a-f]{16})\b/g, (id) => {
    if (!ids.has(id)) ids.set(id, `id ${ids.size + 1}`);
    return ids.get(id) ?? id;
  });
  return JSON.parse(named, (key, value: unknown) =>
    key === 'time' || key === 'duration' ? typeof value : value,
  );
}
