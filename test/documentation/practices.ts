import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { metrics } from '@opentelemetry/api';
import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';
import failSafeTracer from '../../examples/fail-safe-tracer.ts';
import retentionTracer from '../../examples/retention-tracer.ts';
import runTracer from '../../examples/run-tracer.ts';
import structuredTracer from '../../examples/structured-tracer.ts';
import { defineTracer, startTracing, traceChain } from '../../src/index.ts';
import { emptyVconStore } from '../../src/model/vcon.ts';
import { builtInTracers } from '../../src/tracers/registry.ts';
import { runInProcess } from '../cli/in-process.ts';
import { startServer } from '../outgoing/misbehaving-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { eventContext } from '../tracers/started.ts';
import { validated } from './configured.ts';
import { differs, type Item, same } from './item.ts';
import { CHAINS, logLines } from './log-lines.ts';
import { DOCUMENT, eventsOf, pass, UUID } from './passage.ts';

const root = join(import.meta.dirname, '../..');
const text = (path: string) => readFile(join(root, path), 'utf8');

/** A promise that somebody else settles. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** The chain ends while the tracer has not answered a single call. */
async function chainDoesNotWait(): Promise<void> {
  const { opened, open } = gate();
  const tracing = await startTracing({
    log_level: 'error',
    tracers: { slow: { module: { trace: () => opened } } },
  });
  await traceChain({ name: 'main', links: ['a'] }, UUID, (run) => run.link('a', (uuid) => uuid));
  expect(tracing.stats().tracers.slow?.ok).toBe(0);
  open();
  await tracing.shutdown();
}

/** What Prometheus reads after a passage. */
async function scraped(): Promise<string> {
  const tracing = await startTracing({
    log_level: 'error',
    tracers: { good: { module: { trace: () => {} } }, bad: { module: { run: () => false } } },
    exporters: { prometheus: { port: 0 } },
  });
  try {
    await traceChain({ name: 'main', links: ['a'] }, UUID, (run) => run.link('a', (uuid) => uuid));
    await tracing.forceFlush();
    return await (await fetch(String(tracing.prometheusUrl))).text();
  } finally {
    await tracing.shutdown();
    metrics.disable();
  }
}

/** How a tracer is called, fails, is written well, and is watched. */
export const practices: readonly Item[] = [
  same('A61', 'a tracer can be fail-safe', async () => {
    const nowhere = '/dev/null/file';
    const { result } = await pass({
      recording: failSafeTracer,
      options: { file: nowhere, fallback: nowhere },
    });
    expect(result.outcome).toBe('complete');
  }),
  same('A62', 'a tracer can be asynchronous', chainDoesNotWait),
  same('A63', 'a unit test calls a tracer and looks at what it wrote', async () => {
    const file = join(temporaryFolder(), 'events');
    await pass({ recording: failSafeTracer, options: { file, fallback: file } });
    const [first] = (await readFile(file, 'utf8')).split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({ event: 'chain_start', vconUuid: UUID });
    expect(await text('docs/custom-tracers.md')).toContain('examples/fail-safe-tracer.test.ts');
  }),
  same('A64', 'a unit test lets a tracer fail', async () => {
    const nowhere = '/dev/null/file';
    const made = failSafeTracer.create(
      { file: nowhere, fallback: nowhere },
      { name: 'mine', vcons: emptyVconStore },
    );
    if (!('trace' in made)) throw new Error('it has no trace');
    expect(await made.trace?.(UUID, 'chain_start', {}, eventContext())).toBeUndefined();
  }),
  differs('A65', 'tracing is kept fast', chainDoesNotWait),
  same('A66', 'failures are handled', async () => {
    const { result } = await pass({ answer: () => Promise.reject(new Error('no')) });
    expect(result.outcome).toBe('complete');
  }),
  same('A67', 'records are structured, with chain and link', async () => {
    const file = join(temporaryFolder(), 'records');
    await pass({ recording: structuredTracer, options: { file } });
    const lines = (await readFile(file, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(
      expect.objectContaining({
        event: 'link_complete',
        metadata: expect.objectContaining({ chain: 'audited_chain', link: 'transcribe' }),
      }),
    );
  }),
  same('A68', 'retention_days is 90 and archive_after_days 30 in the sample', () => {
    expect(retentionTracer.options?.parse({ directory: 'x' })).toMatchObject({
      retention_days: 90,
      archive_after_days: 30,
    });
  }),
  same('A69', 'a tracer’s page has what it is, requirements and a table of options', async () => {
    for (const module of builtInTracers.keys()) {
      const page = await text(`docs/tracers/${module.replace('tracers.', '').replaceAll('_', '-')}.md`);
      expect(page).toMatch(/^## Options[\s\S]*^\| option \| type \| default \|[\s\S]*^## Requirements/m);
    }
  }),
  same('B27', 'a tracer has a name, a module and options', async () => {
    const config = 'tracers:\n  tracer_name:\n    module: tracers.metrics\n    options:\n      # none\n';
    expect((await validated(config)).code).toBe(0);
  }),
  differs('B28', 'several tracers run side by side, their options commented out', async () => {
    const config = `
tracers:
  jlinc_audit:
    module: tracers.jlinc
    options:
      # nothing
  compliance_logger:
    module: tracers.compliance
    options:
      # nothing
  metrics_collector:
    module: tracers.metrics
    options:
`;
    const { lines } = await validated(`${config}vcon_store: { type: directory, path: . }\n`);
    for (const name of ['jlinc_audit', 'compliance_logger', 'metrics_collector'])
      expect(lines).toContain(`✓ tracers.${name}`);
  }),
  same('B29', 'options may be empty', async () => {
    expect((await validated('tracers: { t: { module: tracers.metrics, options: } }')).code).toBe(0);
  }),
  same('B30', 'run gets both uuids, the tracer’s name, the links, the index and the options', async () => {
    const seen: unknown[][] = [];
    const run = (...args: unknown[]) => void seen.push(args.slice(0, 6));
    await pass({ recording: { run }, options: { level: 2 } });
    expect(seen[0]).toEqual([UUID, UUID, 'recording', ['transcribe', 'analyze'], -1, { level: 2 }]);
  }),
  same('B31', 'run returns False where it failed', async () => {
    const { result, calls } = await pass({ answer: ({ call }) => call === 'trace' });
    expect(result.outcome).toBe('complete');
    expect(calls.filter(({ call }) => call === 'run')).toHaveLength(4);
  }),
  same('B32', 'the sample reads the vCon and answers true or false', async () => {
    const bodies: unknown[] = [];
    const server = await startServer((response, { body }) => {
      bodies.push(JSON.parse(body));
      response.end();
    });
    onTestFinished(() => server.close());
    await pass({ recording: runTracer, options: { api_url: String(server.url) } });
    expect(bodies[0]).toMatchObject({ outVconUuid: UUID, parties: 3, dialogs: 1 });
  }),
  same('B33', 'a tracer of one’s own has the option enabled', async () => {
    const passage = await pass({ options: { enabled: false } });
    expect(passage.calls).toEqual([]);
  }),
  same('B34', 'every tracer has the option enabled', async () => {
    for (const module of builtInTracers.keys()) {
      const { code } = await validated({ tracers: { off: { module, options: { enabled: false } } } });
      expect([module, code]).toEqual([module, 0]);
    }
  }),
  differs('B47', 'a tracer never blocks what is processed', chainDoesNotWait),
  same('B48', 'an error of a tracer is not one of the chain', async () => {
    const { result } = await pass({
      answer: () => {
        throw new TypeError('on purpose');
      },
    });
    expect(result.outcome).toBe('complete');
  }),
  same('B49', 'operations may be asynchronous', chainDoesNotWait),
  same('B50', 'the chain does not take longer for a tracer that takes long', chainDoesNotWait),
  same('B51', 'what is looked up often is cached', async () => {
    let reads = 0;
    let events = 0;
    const vcons = { ...emptyVconStore, read: async () => `{"reads":${++reads}}` };
    const module = defineTracer({
      create: (_options, host) => ({
        trace: async (uuid, _event, _opts, context) => {
          events += 1;
          await host.vcons.read(uuid, context);
        },
      }),
    });
    const tracing = await startTracing(
      { log_level: 'error', tracers: { one: { module }, two: { module }, three: { module } } },
      { vcons },
    );
    await traceChain({ name: 'main', links: [] }, UUID, () => {});
    await tracing.shutdown();
    expect([events, reads]).toEqual([6, 2]);
    expect(await text('docs/custom-tracers.md')).toContain('examples/caching-tracer.ts');
  }),
  same('B52', 'data is serialised efficiently: one event is shared by all tracers', async () => {
    const contexts: unknown[] = [];
    const other = { trace: (...[, , , context]: unknown[]) => void contexts.push(context) };
    const { calls } = await pass({ tracers: { other: { module: other } } });
    const shared = calls.filter(({ call }) => call === 'trace').map(({ context }) => context);
    expect(contexts.every((context, i) => context === shared[i])).toBe(true);
  }),
  same('B53', 'errors are logged, not raised', async () => {
    const lines = await logLines('info');
    expect(lines.some(({ level, msg }) => level >= 40 && msg.includes('failing'))).toBe(true);
  }),
  same('B54', 'a call that failed is made again', async () => {
    let failures = 1;
    const { calls } = await pass({
      answer: () => (failures-- > 0 ? Promise.reject(new Error('once')) : undefined),
    });
    const [first, second] = calls;
    expect(second?.context.eventId).toBe(first?.context.eventId);
  }),
  same('B55', 'what is sensitive is hashed before it is sent', async () => {
    const directory = join(temporaryFolder(), 'ledger');
    await pass({ tracers: { audit: { module: 'tracers.compliance', options: { directory } } } });
    const { stdout } = await runInProcess(['audit', 'export', directory]);
    expect(stdout).toContain('"content_binding":"hmac"');
    expect(stdout).not.toContain('+15550100');
  }),
  same('B56', 'as little as possible is recorded', async () => {
    const { calls } = await pass();
    expect(JSON.stringify(calls.map(({ context }) => context))).not.toContain('+15550100');
  }),
  same('B57', 'whoever is asked wants to know who asks', async () => {
    const tracing = await startTracing({
      log_level: 'error',
      receivers: { http: { port: 0, token: 'the token' } },
    });
    const send = async (token: string) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const body = '{"resourceSpans":[]}';
      return (await fetch(`${tracing.receiverUrl}/v1/traces`, { method: 'POST', headers, body })).status;
    };
    expect([await send('another'), await send('the token')]).toEqual([401, 200]);
    await tracing.shutdown();
  }),
  differs('B58', 'defaults are sensible', () => {
    const lacking = [...builtInTracers].flatMap(([name, { options }]) =>
      options?.safeParse({}).success ? [] : [name],
    );
    expect(lacking).toEqual(['tracers.external_audit']);
  }),
  same('B59', 'options are checked', async () => {
    const tracers = { t: { module: 'tracers.metrics', options: { statsd_port: 'many' } } };
    const { code, lines } = await validated({ tracers });
    expect(code).toBe(1);
    expect(lines).toContainEqual(
      expect.stringMatching(/^✗ tracers\.t\.options\.statsd_port: expected number, got string/),
    );
  }),
  same('B60', 'settings depend on the environment', async () => {
    const { code } = await validated(await text('examples/environments.yaml'));
    expect(code).toBe(0);
  }),
  same('B61', 'each completed call is a line of the log, at info', async () => {
    const said = (await logLines('info')).filter(({ level }) => level === 30).map(({ msg }) => msg);
    expect(said).toContainEqual(
      expect.stringMatching(/^Completed tracer working \(module: .+\) for vCon: V in [\d.e-]+ seconds$/),
    );
  }),
  same('B62', 'the line has tracer_processing_time, tracer_name and tracer_module_name', async () => {
    const line = (await logLines('info')).find(({ msg }) => msg.startsWith('Completed tracer working'));
    expect(line).toMatchObject({
      tracer_processing_time: expect.any(Number),
      tracer_name: 'working',
      tracer_module_name: expect.any(String),
    });
  }),
  same('B63', 'the time of each tracer is measured', async () => {
    expect(await scraped()).toMatch(/^vcon_tracer_duration_seconds_count\{.*vcon_tracer_name="good"/m);
  }),
  same('B64', 'successes and failures are counted', async () => {
    const metricsText = await scraped();
    expect(metricsText).toMatch(/^vcon_tracer_deliveries_total\{.*"good".*vcon_outcome="ok"/m);
    expect(metricsText).toMatch(/^vcon_tracer_deliveries_total\{.*"bad".*vcon_outcome="(dead|failed)"/m);
  }),
  same('B65', 'throughput is counted', async () => {
    expect(await scraped()).toMatch(/^vcon_chain_duration_seconds_count\{.*vcon_chain_name="main"/m);
  }),
  same('B66', 'debug logging says more', async () => {
    const lines = await logLines('debug');
    const completed = lines.filter(({ msg }) => msg.startsWith('Completed tracer working'));
    // At info there are 500 a second at most.
    expect(completed).toHaveLength(CHAINS * 4);
  }),
  same('B67', 'a tracer has a configuration of its own for testing', async () => {
    const file = join(temporaryFolder(), 'test.jsonl');
    const test = { module: 'tracers.audit_log', options: { log_file: file, include_vcon_data: true } };
    await pass({ tracers: { test }, config: { chains: { audited_chain: { tracers: ['test'] } } } });
    expect(await readFile(file, 'utf8')).toContain('"vcon_summary":{"parties":3,"dialog_count":1}');
  }),
  same('B68', 'answers and errors of others are watched', async () => {
    const server = await startServer((response) => response.writeHead(401).end());
    onTestFinished(() => server.close());
    const { definition, options } = {
      definition: builtInTracers.get('tracers.external_audit'),
      options: { api_url: String(server.url), allow_private_hosts: ['127.0.0.1'] },
    };
    const checked = definition?.options?.parse(options);
    const findings = await definition?.probe?.(checked, { name: 'siem', timeout: 5_000 });
    expect(findings).toMatchObject([{ state: 'fault', text: expect.stringContaining('HTTP_401') }]);
  }),
  same('B69', 'a SIEM can be fed (an idea for the future there)', async () => {
    const directory = join(temporaryFolder(), 'ledger');
    await pass({ tracers: { audit: { module: 'tracers.compliance', options: { directory } } } });
    const { stdout } = await runInProcess(['audit', 'export', directory, '--format', 'cef']);
    expect(stdout).toMatch(/^CEF:0\|vcon-otel\|/);
  }),
  same('B70', 'performance can be profiled (an idea for the future there)', async () => {
    const path = join(temporaryFolder(), 'traces.jsonl');
    await pass({ config: { exporters: { otlp_file: { path } } } });
    const { stdout } = await runInProcess(['timeline', path]);
    for (const step of ['link.transcribe', 'link.analyze', 'storage.postgres'])
      expect(stdout).toMatch(new RegExp(`${step} .*\\d (µs|ms|s)\\b`));
  }),
  same('B71', 'tracers of one’s own are modules', async () => {
    const module = defineTracer({
      options: z.strictObject({ level: z.int() }),
      create: ({ level }, { vcons }) => ({
        trace: async (uuid) => {
          expect([level, await vcons.read(uuid)]).toEqual([3, DOCUMENT]);
        },
      }),
    });
    const other = await pass({ recording: module, options: { level: 3 } });
    expect(eventsOf(other)).toEqual([]);
    expect(other.result.outcome).toBe('complete');
  }),
];
