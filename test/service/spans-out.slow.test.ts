import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { keptSpans } from '../../src/exporters/span-log/kept-spans.ts';
import { type Running, startNode, startVconOtel, vconOtel } from '../cli/command-line.ts';
import { spansOf, startOtlpServer } from '../exporters/otlp-server.ts';
import { ANY_TIME } from '../support/any-time.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CHILD = fileURLToPath(new URL('tracing-child.ts', import.meta.url));
/** Little memory and small batches, so that much of it is on the disk alone. */
const SMALL = {
  OTEL_BSP_MAX_QUEUE_SIZE: '300',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '100',
  OTEL_BSP_SCHEDULE_DELAY: '20',
};
/** Batches that are under way at the same time, and the size of one. */
const [UNDER_WAY, BATCH] = [4, 100];

async function killed({ child, ended }: Running): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

/** A Collector at that port. Answers as many requests as it is told to, and then none. */
async function collector(port: number, answers = Number.POSITIVE_INFINITY) {
  let asked = 0;
  const server = await startOtlpServer(() => (asked++ < answers ? 200 : 'silence'), '{}', port);
  onTestFinished(() => server.close());
  return {
    ...server,
    asked: () => asked,
    spans: () => server.requests.flatMap(({ body }) => spansOf(body).map(({ spanId }) => spanId)),
  };
}

const spansBeside = async (journal: string) => {
  const all = await keptSpans(`${journal}-beside`);
  return all.reduce((sum, { spans }) => sum + spans, 0);
};

test('recorded spans outlive a Collector that is away and processes that are killed, and come once', async () => {
  const journal = join(temporaryFolder(), 'journal.db');
  const port = await freePort();
  const traces = `http://127.0.0.1:${port}/v1/traces`;
  const process = (chains: number) => startNode([CHILD, journal, traces, String(chains)], { env: SMALL });

  for (const [before, chains] of [[0, 1_500] as const, [3_000, 1_000] as const]) {
    const one = process(chains);
    await one.printed('passed');
    await eventually('all are on the disk', async () =>
      (await spansBeside(journal)) === before + 2 * chains ? true : undefined,
    );
    await killed(one);
  }

  const first = await collector(port, 20);
  const third = process(0);
  await eventually('it is in the middle of it', () => (first.asked() > 20 ? true : undefined));
  await killed(third);
  const early = first.spans();
  await first.close();

  const second = await collector(port);
  const last = process(100);
  await eventually('nothing is left', async () =>
    second.spans().length > 200 && (await spansBeside(journal)) === 0 ? true : undefined,
  );
  await killed(last);
  const all = [...early, ...second.spans()];
  expect(new Set(all).size).toBe(5_200);
  expect(all.length - 5_200).toBeLessThanOrEqual(UNDER_WAY * BATCH);
  expect(new Set(second.spans()).size).toBe(second.spans().length);
});

/** A run as a server without OpenTelemetry tells it. */
const recordsOf = (run: number) =>
  [-1, 0, 1].map((index) => ({
    v: 1,
    kind: 'run',
    tracer: 'forwarder',
    in: `V${run}`,
    out: `V${run}`,
    links: ['a', 'b'],
    index,
    ts: String(1_795_000_000_000_000_000n + BigInt(3 * run + index) * 1_000_000n),
    worker: { host: 'h', pid: 1 },
    seq: 3 * run + index + 2,
  }));

test('so do the spans that serve builds, under the same ids', async () => {
  const folder = temporaryFolder();
  const journal = join(folder, 'journal.db');
  const [port, own] = [await freePort(), await freePort()];
  const config = {
    chains: { main: { links: ['a', 'b'] } },
    receivers: {
      http: { host: '127.0.0.1', port: own },
      assembler: { settle: '100ms', timeout: '1m', ...ANY_TIME },
    },
    exporters: { otlp: { traces_endpoint: `http://127.0.0.1:${port}/v1/traces` } },
    journal: { type: 'sqlite', path: journal },
    health: { port: 0 },
  };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  const serve = async () => {
    const running = startVconOtel(['serve', join(folder, 'config.yml')], { env: SMALL });
    await running.printed('ends it.');
    return running;
  };
  const stats = async () => {
    const { stdout } = await vconOtel(['queue', 'stats', '--journal', journal, '--json']);
    return JSON.parse(stdout) as {
      tracers: { depth: number }[];
      exporters: { exporter: string; spans: number; oldest_age: number | null }[];
    };
  };

  const before = await serve();
  const records = Array.from({ length: 400 }, (_, run) => recordsOf(run)).flat();
  const send = async () => {
    const response = await fetch(`http://127.0.0.1:${own}/v1/bridge`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(records),
    });
    expect(response.status).toBe(200);
  };
  await send();
  await eventually('all spans are built, and the journal knows', async () => {
    const { tracers, exporters } = await stats();
    return (exporters[0]?.spans === 1_200 && tracers[0]?.depth === 0) || undefined;
  });
  await killed(before);
  const waiting = { exporter: 'otlp', spans: 1_200, oldest_age: expect.any(Number) };
  expect(await stats()).toMatchObject({ exporters: [waiting] });

  const there = await collector(port);
  const after = await serve();
  // A sender that was not answered sends again.
  await send();
  await eventually('all have come', () => (new Set(there.spans()).size >= 1_200 ? true : undefined));
  after.child.kill('SIGTERM');
  const { code, stdout } = await after.ended;
  expect([code, stdout]).toEqual([0, expect.stringContaining('otlp: 1200 spans exported, 0 lost\n')]);
  expect(there.spans().length).toBe(1_200);
  expect(await stats()).toMatchObject({ exporters: [{ spans: 0, oldest_age: null }] });
});
