import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCollector } from '../service/collector.ts';
import { type Ended, jsonLines, spansOfLines, temporaryFolder, vconOtel } from './command-line.ts';

const ESCAPE = '\u001b';
const RED = '\u001b[31m';

interface Summary {
  readonly runs: { readonly complete: number; readonly halted: number; readonly error: number };
  readonly spans: number;
  readonly traces: number;
  readonly events: number;
  readonly tracers: {
    readonly audit: { readonly trace: number; readonly run: number; readonly failed: number };
  };
  readonly dropped_spans: number;
  readonly out: string;
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let collector: Awaited<ReturnType<typeof startCollector>>;
/** Runs of the demo on what comes along: as it is, once more in the same folder, in colour, and three times over. */
let first: Ended;
let again: Ended;
let coloured: Ended;
let thrice: Ended;

const out = (name: string) => join(folder.path, name);
const file = (name: string, path: string) => readFileSync(join(out(name), path), 'utf8');

beforeAll(async () => {
  folder = await temporaryFolder();
  collector = await startCollector();
  const cwd = folder.path;
  [first, coloured] = await Promise.all([
    vconOtel(['demo'], { cwd }),
    vconOtel(['demo', '--out', 'coloured'], {
      cwd,
      env: { FORCE_COLOR: '1', OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint },
    }),
  ]);
  [again, thrice] = await Promise.all([
    vconOtel(['demo', '--json'], { cwd }),
    vconOtel(['demo', '--count', '3', '--out', 'thrice'], { cwd, env: { NO_COLOR: '1', FORCE_COLOR: '1' } }),
  ]);
});

afterAll(async () => {
  await collector.close();
  await folder.remove();
});

describe('what it prints', () => {
  test('is the timeline of every run as a waterfall, and a summary', () => {
    const { code, stdout } = first;
    expect(code).toBe(0);
    expect(stdout.match(/^[✓✗⏹] (intake|screening|delivery) {2}/gm)).toHaveLength(37);
    expect(stdout).toMatch(/^ {2}✓ link\.tag +[▏▎▍▌▋▊▉█]+ +[\d.]+ (µs|ms)/m);
    expect(stdout).toMatch(/\nDone: 14 vCons in [\d.]+ s\n/);
    expect(stdout).toMatch(/^ {2}runs +33 complete, 3 halted, 1 failed$/m);
    expect(stdout).toMatch(/^ {2}tracer audit +280 events: 280 trace\(\) and 132 run\(\) calls, 0 failed$/m);
    expect(stdout).toMatch(/^ {2}ledger +vcon-otel-demo\/ledger: intact, 280 records, signed$/m);
  });

  test('shows a failing link, a failing storage, a halt, a changed uuid and a hand-over', () => {
    expect(first.stdout).toMatch(/^ {2}✗ link\.\w+ .*VCON_INVALID/m);
    expect(first.stdout).toMatch(/^ {2}✗ storage\.warehouse /m);
    expect(first.stdout).toMatch(/^ {2}⏹ link\.consent_filter /m);
    expect(first.stdout).toMatch(/^ {2}✓ link\.redact .*→ /m);
    expect(first.stdout).toMatch(/from intake \(trace [0-9a-f]{8}…\)/);
  });

  test('is progress and nothing else on standard error', () => {
    expect(first.stderr).toBe(
      'Running vCons through three chains …\n14 vCons, 37 runs: 33 complete, 3 halted, 1 failed\n',
    );
  });

  test('has no escape codes where there is no terminal, and red for errors with FORCE_COLOR', () => {
    expect(first.stdout + first.stderr).not.toContain(ESCAPE);
    expect(coloured.stdout).toContain(`${RED}✗`);
    expect(coloured.stdout.split('\n').filter((line) => line.includes(RED)).length).toBeLessThan(10);
  });

  test('has no escape codes with NO_COLOR, whatever FORCE_COLOR says', () => {
    expect(thrice.stdout + thrice.stderr).not.toContain(ESCAPE);
  });

  test('is of all three rounds with --count 3, and the timelines of the last runs', () => {
    expect(thrice.stdout).toMatch(/^ {2}runs +99 complete, 9 halted, 3 failed$/m);
    expect(thrice.stdout).toMatch(/^ {2}spans +420 in 111 traces$/m);
    expect(thrice.stdout.match(/^[✓✗⏹] (intake|screening|delivery) {2}/gm)).toHaveLength(60);
  });
});

describe('--json', () => {
  test('prints one line of JSON of the documented shape and nothing else', () => {
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(again.stdout)).toEqual({
      runs: { complete: 33, halted: 3, error: 1 },
      spans: 140,
      traces: 37,
      events: 280,
      tracers: {
        audit: { trace: 280, run: 132, failed: 0 },
        db: { trace: 280, run: 0, failed: 0 },
        compliance: { trace: 280, run: 0, failed: 0 },
      },
      dropped_spans: 0,
      pending_spans: 0,
      out: './vcon-otel-demo',
      ledger: { verdict: 'intact', records: 560 },
    });
  });

  test('says what is in the files, to which a second run in the same folder appends', () => {
    const { runs, spans, traces, tracers } = JSON.parse(again.stdout) as Summary;
    const written = spansOfLines(file('vcon-otel-demo', 'traces.otlp.jsonl'));
    expect(written).toHaveLength(2 * spans);
    expect(new Set(written.map(({ traceId }) => traceId)).size).toBe(2 * traces);
    const chains = written.filter(({ name }) => name.startsWith('vcon_processing.'));
    expect(chains).toHaveLength(2 * (runs.complete + runs.halted + runs.error));
    const calls = jsonLines(file('vcon-otel-demo', 'audit.jsonl'));
    expect(calls.filter(({ call }) => call === 'run')).toHaveLength(2 * tracers.audit.run);
    expect(calls.filter(({ event }) => event !== undefined)).toHaveLength(2 * tracers.audit.trace);
  });
});

describe('what it leaves', () => {
  test('into the folder of an earlier one, says how many records are new', async () => {
    const { stdout } = await vconOtel(['demo'], { cwd: folder.path });
    expect(stdout).toMatch(/: intact, 280 new records, 840 in all, signed$/m);
  });

  test('is a ledger that verifies as the demo says, and is complete', async () => {
    const { code, stdout } = await vconOtel([
      'audit',
      'verify',
      out('coloured/ledger'),
      '--strict',
      '--since',
      out('coloured/ledger/checkpoint'),
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'intact', size: 280, signed: 280, open_runs: 0 });
  });

  test('is an audit log in which each run has its calls in order', () => {
    const events = jsonLines(file('coloured', 'audit.jsonl')).filter(({ event }) => event !== undefined);
    const runs = Map.groupBy(events, ({ metadata }) => (metadata as { run_id: string }).run_id);
    expect(runs.size).toBe(37);
    for (const calls of runs.values()) {
      expect(calls[0]?.event).toBe('chain_start');
      expect(calls.at(-1)?.event).toMatch(/^chain_(complete|error)$/);
    }
  });

  test('is a table with a row for each event of the audit log', () => {
    const database = new DatabaseSync(join(out('coloured'), 'db-audit.db'), { readOnly: true });
    const rows = database.prepare('SELECT event_id FROM vcon_events').all();
    database.close();
    const logged = jsonLines(file('coloured', 'audit.jsonl')).filter(({ event }) => event !== undefined);
    expect(new Set(rows.map(({ event_id }) => event_id))).toEqual(
      new Set(logged.map(({ metadata }) => (metadata as { event_id: string }).event_id)),
    );
    expect(rows.length).toBe(280);
  });

  test('are the vCons in both storages', () => {
    expect(readdirSync(join(out('coloured'), 'archive')).every((name) => name.endsWith('.vcon.json'))).toBe(
      true,
    );
    const database = new DatabaseSync(join(out('coloured'), 'warehouse.db'), { readOnly: true });
    expect(database.prepare('SELECT count(*) AS vcons FROM vcons').get()?.vcons).toBeGreaterThan(5);
    database.close();
  });

  test('are the same spans at OTEL_EXPORTER_OTLP_ENDPOINT, where that is set', () => {
    const ids = (spans: readonly { readonly name: string; readonly traceId: string }[]) =>
      spans.map(({ name, traceId }) => `${traceId} ${name}`).sort();
    expect(ids(collector.spans())).toEqual(ids(spansOfLines(file('coloured', 'traces.otlp.jsonl'))));
    expect(collector.metrics().map(({ name }) => name)).toContain('vcon.tracer.deliveries');
  });
});

test('an OTLP endpoint that is down costs nothing: the next demo sends what is kept for it', async () => {
  const down = await startCollector();
  await down.close();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: down.endpoint, OTEL_EXPORTER_OTLP_TIMEOUT: '300' };
  const { code, stdout, stderr } = await vconOtel(['demo', '--json', '--out', out('down')], { env });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    spans: 140,
    dropped_spans: 0,
    pending_spans: 140,
    tracers: { audit: { trace: 280, run: 132, failed: 0 } },
  });
  expect(spansOfLines(file('down', 'traces.otlp.jsonl'))).toHaveLength(140);
  expect(stderr).not.toContain('spans lost');
  const up = await startCollector();
  const next = { OTEL_EXPORTER_OTLP_ENDPOINT: up.endpoint };
  await vconOtel(['demo', '--json', '--out', out('down')], { env: next });
  expect(new Set(up.spans().map(({ spanId }) => spanId)).size).toBe(280);
  await up.close();
});

describe.concurrent('timeline, on what the demo left', () => {
  test('draws the same waterfalls as the demo did', async () => {
    const { code, stdout, stderr } = await vconOtel(['timeline', 'coloured', '--limit', '0'], {
      cwd: folder.path,
      env: { FORCE_COLOR: '1' },
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(coloured.stdout.startsWith(stdout.trimEnd())).toBe(true);
  });

  test('--last is the last demo in this folder, in JSON too', async () => {
    const { code, stdout } = await vconOtel(['timeline', '--last', '--limit', '0', '--format', 'json'], {
      cwd: folder.path,
    });
    expect(code).toBe(0);
    const { runs } = JSON.parse(stdout) as { runs: { outcome: string }[] };
    expect(
      Object.entries(Object.groupBy(runs, ({ outcome }) => outcome)).map(([name, of]) => [name, of?.length]),
    ).toEqual([
      ['complete', 33],
      ['halted', 3],
      ['error', 1],
    ]);
  });

  test('--vcon shows the runs of one vCon, through all its chains', async () => {
    const uuid = String(jsonLines(file('coloured', 'audit.jsonl'))[0]?.vcon_uuid);
    const { stdout } = await vconOtel(['timeline', 'coloured', '--vcon', uuid.slice(0, 13)], {
      cwd: folder.path,
    });
    expect(stdout.match(/^✓ \w+ {2}[0-9a-f-]{36}/gm)?.every((line) => line.endsWith(uuid))).toBe(true);
    expect(stdout).toMatch(/^✓ intake /);
  });

  test('a file that is missing is one sentence and exit code 1', async () => {
    const { code, stdout, stderr } = await vconOtel(['timeline', 'no-such-file'], { cwd: folder.path });
    expect([code, stdout, stderr]).toEqual([1, '', 'vcon-otel: There is no file no-such-file\n']);
  });
});
