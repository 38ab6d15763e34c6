import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { startTracing, type Tracing, traceChain } from '../../src/index.ts';

const UUID = '018f0000-0000-8000-8000-00000000e2e1';
const MAX_SIZE = 64 * 1024 * 1024;

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** The samples of a scrape; labels of the scope, which are on each of them, are left out. */
async function scraped({ prometheusUrl = '' }: Tracing): Promise<Record<string, number>> {
  const text = await (await fetch(prometheusUrl)).text();
  const samples = [...text.matchAll(/^(\w+)\{([^}]*)\} (\S+)$/gm)].map(([, name, labels = '', value]) => {
    const own = labels.split(',').filter((label) => !label.startsWith('otel_scope_'));
    return [`${name}{${own.join(',')}}`, Number(value)];
  });
  return Object.fromEntries(samples);
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'vcon-otel-own-metrics-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function start(directory: string): Promise<Tracing> {
  const ledger = (name: string) => ({
    module: 'tracers.compliance',
    options: { directory: join(directory, name) },
  });
  const tracing = await startTracing({
    log_level: 'error',
    tracers: { first: ledger('first'), second: ledger('second') },
    journal: { type: 'sqlite', path: join(directory, 'journal.db'), max_size: '64MiB' },
    exporters: { prometheus: { port: 0 } },
  });
  onTestFinished(() => tracing.shutdown());
  return tracing;
}

test('a scrape tells of the journal on its disk, and of every ledger by its tracer, also after a restart', async () => {
  const directory = folder();
  const tracing = await start(directory);
  const empty = await scraped(tracing);
  expect(empty['vcon_ledger_records{vcon_tracer_name="first"}']).toBe(0);
  expect(empty).not.toHaveProperty('vcon_ledger_checkpoint_age_seconds{vcon_tracer_name="first"}');
  await traceChain({ name: 'main', links: [] }, UUID, () => {});
  await tracing.forceFlush();
  const busy = await scraped(tracing);
  expect(busy['vcon_journal_max_size_bytes{}']).toBe(MAX_SIZE);
  expect(busy['vcon_journal_size_bytes{}']).toBeGreaterThan(0);
  expect(busy['vcon_journal_size_bytes{}']).toBeLessThan(MAX_SIZE);
  for (const name of ['first', 'second'])
    expect(busy[`vcon_ledger_records{vcon_tracer_name="${name}"}`]).toBeGreaterThan(0);
  await tracing.shutdown();

  const again = await scraped(await start(directory));
  for (const name of ['first', 'second']) {
    const records = again[`vcon_ledger_records{vcon_tracer_name="${name}"}`];
    expect(records).toBe(busy[`vcon_ledger_records{vcon_tracer_name="${name}"}`]);
    expect(again[`vcon_ledger_checkpoint_records{vcon_tracer_name="${name}"}`]).toBe(records);
    expect(again[`vcon_ledger_checkpoint_age_seconds{vcon_tracer_name="${name}"}`]).toBeGreaterThanOrEqual(0);
  }
});

test('a scrape tells of the process, under the names that OpenTelemetry gives it', async () => {
  const tracing = await startTracing({ log_level: 'error', exporters: { prometheus: { port: 0 } } });
  onTestFinished(() => tracing.shutdown());
  const samples = await scraped(tracing);
  expect(samples['process_memory_usage_bytes{}']).toBeGreaterThan(1e6);
  expect(samples['process_cpu_time_seconds_total{cpu_mode="user"}']).toBeGreaterThan(0);
  expect(samples['process_cpu_time_seconds_total{cpu_mode="system"}']).toBeGreaterThanOrEqual(0);
  expect(samples['nodejs_eventloop_delay_p99_seconds{}']).toBeGreaterThanOrEqual(0);
  // A journal in memory has no size, and there is no ledger.
  expect(Object.keys(samples).filter((name) => /^vcon_(journal_(max_)?size|ledger)_/.test(name))).toEqual([]);
});
