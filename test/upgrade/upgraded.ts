import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type ConfigInput, startTracing } from '../../src/index.ts';
import { ANY_TIME } from '../support/any-time.ts';
import { eventually } from '../support/eventually.ts';
import { type Call, inShort, recordingTracer } from '../support/recording-tracer.ts';

/** Where files lie that 0.1 has made. */
export const FIXTURES = join(import.meta.dirname, '../fixtures/0.1');

/** By run: its calls in order, in short, each with its event and how the step ended. */
export type HeardByRun = Readonly<Record<string, readonly string[]>>;

/** Reads what is known of such a file. */
export async function fixture<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(FIXTURES, name), 'utf8')) as T;
}

/** A folder that is there until the test is over. */
export async function folderOfTest(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vcon-otel-upgrade-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** Tracers that remember their calls. */
export function hear(names: readonly string[]) {
  const recording = names.map((name) => ({ name, ...recordingTracer() }));
  return {
    tracers: Object.fromEntries(recording.map(({ name, tracer }) => [name, { module: tracer }])),
    heard: () => Object.fromEntries(recording.map(({ name, calls }) => [name, byRun(calls)])),
  };
}

function byRun(calls: readonly Call[]): HeardByRun {
  const runs: Record<string, string[]> = {};
  for (const call of calls) {
    const { runId, eventId, outcome } = call.context;
    runs[runId] ??= [];
    const ended = outcome === undefined ? [] : [outcome];
    runs[runId].push([inShort(call), '·', eventId.slice(runId.length + 1), ...ended].join(' '));
  }
  return runs;
}

/** Starts what there is today where 0.1 has stopped. It is ended with the test. */
export async function startUpgraded(config: ConfigInput) {
  const { assembler } = config.receivers ?? {};
  const receivers = { ...config.receivers, assembler: { ...assembler, ...ANY_TIME } };
  const tracing = await startTracing({ log_level: 'error', ...config, receivers });
  onTestFinished(() => tracing.shutdown());
  return {
    tracing,
    async post(path: string, body: unknown): Promise<number> {
      const headers = { 'content-type': 'application/json' };
      const request = { method: 'POST', headers, body: JSON.stringify(body) };
      return (await fetch(`${tracing.receiverUrl}${path}`, request)).status;
    },
    /** Resolves when every run is over, and told. */
    async settled(): Promise<void> {
      await eventually('every run is over and told', () => {
        const { receivers, tracers } = tracing.stats();
        if (receivers?.openRuns !== 0) return undefined;
        return Object.values(tracers).every(({ pending }) => pending === 0) ? true : undefined;
      });
    },
  };
}
