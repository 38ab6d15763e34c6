import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PATIENCE } from '../support/eventually.ts';
import { startVconOtel, temporaryFolder, vconOtel } from './command-line.ts';

const SELF_TRACING = fileURLToPath(new URL('self-tracing.ts', import.meta.url));
const ALL = ['chain_start', 'link_start', 'link_complete', 'chain_complete', 'shutdown'];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (name: string) => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** Starts a service with a tracer that runs a chain itself. */
async function serve(name: string, options: Readonly<Record<string, unknown>> = {}) {
  const heard = at(`${name}.txt`);
  const config = {
    // A chain of its own can only be heard where it runs.
    tracers: { mine: { module: SELF_TRACING, isolation: 'none', options: { heard, ...options } } },
    chains: { main: { links: ['tag'] }, quiet: { tracers: [] } },
    exporters: { prometheus: { port: 0 }, otlp_file: { path: at(`${name}.jsonl`) } },
    journal: { type: 'sqlite', path: at(`${name}.db`) },
    health: { port: 0 },
  };
  await writeFile(at(`${name}.yml`), JSON.stringify(config));
  const running = startVconOtel(['serve', at(`${name}.yml`)]);
  let screen = '';
  running.child.stdout?.on('data', (text: string) => {
    screen += text;
  });
  await running.printed('ends it.');
  return {
    ...running,
    screen,
    health: /^ {2}health +(\S+)\/healthz/m.exec(screen)?.[1] ?? '',
    prometheus: /Prometheus on (\S+)/.exec(screen)?.[1] ?? '',
    heard: () => (existsSync(heard) ? readFileSync(heard, 'utf8').trimEnd().split('\n') : []),
  };
}

describe('a service that runs', () => {
  let service: Awaited<ReturnType<typeof serve>>;

  beforeAll(async () => {
    service = await serve('running');
  });

  test('has said on one screen what is on and where', () => {
    expect(service.screen).toBe(`vcon-otel is running

  service     conserver
  tracers     mine (${SELF_TRACING})
  chains      main, heard by every tracer
              quiet, heard by no tracer
  receivers   none
  vCon store  memory
  exporters   OTLP traces to the file ${at('running.jsonl')}
              Prometheus on ${service.prometheus}
  journal     ${at('running.db')}
              heard events kept 24 h, at most 1,024 MiB; when full, feeders wait
  health      ${service.health}/healthz and /readyz

Ctrl-C or SIGTERM ends it.
`);
    for (const url of [service.health, service.prometheus])
      expect(Number(new URL(url).port)).toBeGreaterThan(0);
  });

  test('is healthy and ready, with counts', async () => {
    await vi.waitUntil(() => service.heard().includes('chain_complete'), PATIENCE);
    const [healthy, ready] = await Promise.all([
      fetch(`${service.health}/healthz`),
      fetch(`${service.health}/readyz`),
    ]);
    expect([healthy.status, ready.status]).toEqual([200, 200]);
    expect(await ready.json()).toMatchObject({ status: 'ready', events: 4, tracers: { mine: { trace: 4 } } });
  });

  test('can be scraped', async () => {
    const response = await fetch(service.prometheus);
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^vcon_link_duration_seconds_count\{.*\} 1$/m);
  });

  test('goes on when a tracer leaves a rejected promise behind, and says so without its message', async () => {
    expect(service.child.exitCode).toBeNull();
    service.child.kill('SIGTERM');
    const { code, stdout, stderr } = await service.ended;
    expect(code).toBe(0);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.filter((line) => !line.startsWith('{'))).toEqual([
      'vcon-otel: a tracer left a rejected promise behind (RangeError)',
    ]);
    expect(lines.filter((line) => line.includes('"msg":"Completed tracer mine (module: '))).toHaveLength(4);
    expect(stdout.slice(service.screen.length)).toMatch(
      /^SIGTERM: ending, tracers hear what is left\nended after [\d.]+ s: 4 events heard\n {2}mine: 4 delivered, 0 dead, 0 dropped\n {2}otlp_file: 2 spans exported, 0 lost\n$/,
    );
    expect(service.heard()).toEqual(ALL);
  });
});

/** Resolves when the service has heard of everything, whatever its tracer has. */
async function allHappened(health: string): Promise<void> {
  const events = async () => ((await (await fetch(`${health}/readyz`)).json()) as { events: number }).events;
  await vi.waitUntil(async () => (await events()) === 4, PATIENCE);
}

describe.concurrent('the end', () => {
  test('waits for a tracer that is slow, whoever has stopped reading what is printed', async () => {
    const { child, ended, health, heard } = await serve('unread', { milliseconds: 100 });
    child.stdout?.destroy();
    child.stderr?.destroy();
    await allHappened(health);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
    expect(heard()).toEqual(ALL);
  });

  test('comes at once at a second signal', async () => {
    const { child, ended, health, printed } = await serve('hanging', { hang: true });
    await allHappened(health);
    child.kill('SIGTERM');
    await printed('SIGTERM: ending');
    expect((await fetch(`${health}/readyz`)).status).toBe(503);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(130);
  });
});

describe.concurrent('an error that nobody catches', () => {
  test('of a tracer in its thread ends nothing else: it is told by its type', async () => {
    await writeFile(
      at('later.mjs'),
      'setTimeout(() => { throw new TypeError("canary"); }, 2_000); export const trace = () => {};',
    );
    const ports = 'journal: { type: memory }\nhealth: { port: 0 }\nlog_level: warn';
    await writeFile(at('later.yml'), `tracers: { mine: { module: ./later.mjs } }\n${ports}`);
    const { child, ended, printed } = startVconOtel(['serve', at('later.yml')]);
    let screen = '';
    child.stdout?.on('data', (text: string) => {
      screen += text;
    });
    await printed('ends it.');
    const health = /health +(\S+)\/healthz/.exec(screen)?.[1];
    await vi.waitUntil(async () => {
      const { troubles } = (await (await fetch(`${health}/readyz`)).json()) as { troubles: string[] };
      return troubles.some((trouble) => /^tracer mine: its thread has .* uncaught TypeError$/.test(trouble));
    }, PATIENCE);
    child.kill('SIGTERM');
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(stderr).toContain('tracer ended tracer mine: uncaught TypeError');
    expect(stderr).not.toContain('canary');
  });

  test('of one in place ends the service in order, and fails it', async () => {
    const { ended } = await serve('throwing', { throws: true });
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(1);
    expect(stderr).toContain('vcon-otel: an error that nobody caught (TypeError)\n');
    expect(stderr).not.toContain('canary');
    expect(stdout).toContain('an error that nobody caught: ending, tracers hear what is left\n');
  });
});

describe.concurrent('what cannot be started ends with one sentence and exit code 1', () => {
  test.for(['health', 'exporters.prometheus'])(
    'the port of %s is taken',
    async (path, { onTestFinished }) => {
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      onTestFinished(() => void taken.close());
      const { port } = taken.address() as AddressInfo;
      const other = path === 'health' ? '' : 'health: { port: 0 }\n';
      const section =
        path === 'health' ? `health: { port: ${port} }` : `exporters: { prometheus: { port: ${port} } }`;
      const file = at(`${path}.yml`);
      const journal = `journal: { type: sqlite, path: ${JSON.stringify(at(`${path}.db`))} }\n`;
      await writeFile(file, journal + other + section);
      expect(await vconOtel(['serve', file])).toEqual({
        code: 1,
        stdout: '',
        stderr: `vcon-otel: ${path}: cannot listen on 127.0.0.1 port ${port}: EADDRINUSE, another program has it, perhaps another vcon-otel: end that one, or set port to another (0: any free one)\n`,
      });
    },
  );

  test('a tracer that cannot be made', async () => {
    await writeFile(at('broken.mjs'), 'export default { create() { throw new TypeError("canary"); } };');
    await writeFile(
      at('broken.yml'),
      'tracers: { mine: { module: ./broken.mjs } }\njournal: { type: memory }\nhealth: { port: 0 }',
    );
    expect(await vconOtel(['serve', at('broken.yml')])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'vcon-otel: tracers.mine: it could not be made: TypeError\n',
    });
  });

  test('a configuration with faults, a line for each', async () => {
    await writeFile(at('faults.yml'), 'tracer: {}\nchains: { main: { tracers: [canary] } }');
    const { code, stdout, stderr } = await vconOtel(['serve', at('faults.yml')]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.split('\n')).toEqual([
      'vcon-otel: the configuration is not valid',
      '  ✗ tracer: unknown key, did you mean `tracers`? (line 1, column 1)',
      '  ✗ chains.main.tracers[0]: no such tracer under tracers (line 2, column 29)',
      '',
    ]);
  });
});

describe.concurrent('validate', () => {
  test.each([
    ['chains: { main: { links: [a] } }', 0, 'is valid'],
    ['chain: {}', 1, 'has 1 fault'],
    ['tracers: { mine: { module: ./missing.mjs } }', 1, 'has 1 fault'],
  ])('%s: exit code %i', async (text, expected, verdict) => {
    const file = at(`validate-${verdict}-${text.length}.yml`);
    await writeFile(file, text);
    const { code, stdout, stderr } = await vconOtel(['validate', file]);
    expect([code, stderr]).toEqual([expected, '']);
    expect(stdout).toContain(verdict);
  });
});
