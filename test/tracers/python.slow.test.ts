import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startTracing, type Tracing, traceChain } from '../../src/index.ts';
import { testTracer } from '../../src/testing/index.ts';
import { pythonTracer } from '../../src/tracers/python.ts';
import { eventually } from '../support/eventually.ts';
import { describeWith } from '../support/server.ts';

const MODULES = join(import.meta.dirname, 'python');
const PATHS = [MODULES, join(MODULES, 'server')];
const LINKS = { name: 'main', links: ['tag'] };
const EVENTS = ['chain_start', 'link_start', 'link_complete', 'chain_complete'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-python-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let files = 0;
const newFile = () => join(folder, `file-${files++}`);

describeWith('python3', missingPython(), 'a tracer in Python, as it is', () => {
  describe.each([
    ['basic', () => ({ log_file: newFile(), include_vcon_data: true })],
    ['database', () => ({ database: newFile() })],
    ['external', () => ({ api_url: 'http://127.0.0.1:1' })],
    ['compliance_sample', () => ({ file: newFile() })],
    ['metrics_sample', () => ({ statsd_host: '127.0.0.1' })],
    ['fail_safe', () => ({})],
    ['asynchronous', () => ({ file: newFile() })],
  ])('of the documentation, %s, keeps the contract of tracers', (name, options) => {
    test('all of it', async () => {
      const settings = { module: `python:tracers.${name}`, pythonpath: PATHS };
      const module = await pythonTracer(settings, 'tracers.mine.module', folder);
      if (!module) throw new Error('it is no tracer in Python');
      const checks = testTracer(module, { prepare: () => ({ options: options() }) });
      for (const { run } of checks) await run();
    });
  });

  test('the basic one writes its records, with what the server’s own code gives it', async () => {
    const log_file = newFile();
    const tracing = await start('basic', { log_file, include_vcon_data: true });
    await pass('V');
    await tracing.shutdown();
    const records = (await linesOf(log_file)).map((line) => JSON.parse(line));
    expect(records.map(({ event }) => event)).toEqual(EVENTS);
    expect(records[0]).toMatchObject({ vcon_uuid: 'V', vcon_summary: { parties: 2, dialog_count: 1 } });
  });

  test('the one for a database inserts its rows', async () => {
    const database = newFile();
    const tracing = await start('database', { database });
    await pass('V');
    await tracing.shutdown();
    const rows = new DatabaseSync(database).prepare('SELECT event FROM vcon_events').all();
    expect(rows.map(({ event }) => event)).toEqual(EVENTS);
  });

  test('the one for a service posts its events; where that fails, dlq_vcon_on_error lets it raise', async () => {
    const posted: unknown[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      posted.push([request.headers.authorization, JSON.parse(body).event_type]);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const api_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const tracing = await start('external', { api_url, api_key: 'k' });
    await pass('V');
    await tracing.shutdown();
    expect(posted).toEqual(EVENTS.map((event) => ['Bearer k', event]));
    server.close();
    const strict = await start('external', { api_url, dlq_vcon_on_error: true });
    await pass('V');
    await eventually('it has failed', () => (strict.stats().tracers.mine?.retried ?? 0) > 0 || undefined);
    await strict.shutdown();
  });

  test('the one for metrics counts and times', async () => {
    const socket = createSocket('udp4');
    const heard = new Set<string>();
    socket.on('message', (text) => heard.add(String(text).split(':')[0] ?? ''));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const tracing = await start('metrics_sample', {
      statsd_host: '127.0.0.1',
      statsd_port: socket.address().port,
    });
    await pass('V');
    await tracing.shutdown();
    await eventually('all has arrived', () => (heard.size >= 5 ? true : undefined));
    socket.close();
    expect([...heard].sort()).toEqual(
      [...EVENTS.map((event) => `vcon.events.${event}`), 'vcon.duration.link'].sort(),
    );
  });

  test('what one has handed to threads of its own is done when it has ended', async () => {
    const file = newFile();
    const tracing = await start('asynchronous', { file });
    await pass('V');
    await tracing.shutdown();
    expect((await linesOf(file)).sort()).toEqual([...EVENTS].sort());
  });

  test.each([
    ['raise', 'KeyError'],
    ['sys-exit', 'SystemExit'],
    ['exit', 'ProcessEnded'],
    ['hang', 'TIMEOUT'],
    ['fork', undefined],
    ['print', undefined],
  ])('one that does this: %s, disturbs no other run, and hears everything in the end', async (mood, type) => {
    const file = newFile();
    const tracing = await start('moody', { file });
    await pass(mood);
    await pass('other');
    const { tracers } = await eventually('it has heard all', () => {
      const stats = tracing.stats();
      return stats.tracers.mine?.ok === 8 ? stats : undefined;
    });
    expect(tracers.mine).toMatchObject({ ok: 8, dead: 0, dropped: 0 });
    expect((tracers.mine?.retried ?? 0) > 0).toBe(type !== undefined);
    await tracing.shutdown();
    const heard = await linesOf(file);
    expect(heard.filter((line) => line.startsWith('other')).sort()).toEqual(
      EVENTS.map((event) => `other ${event}`).sort(),
    );
    expect([...new Set(heard.filter((line) => line.startsWith(mood)))]).toEqual(
      EVENTS.map((event) => `${mood} ${event}`),
    );
  });

  test('a call that hangs is ended after delivery.timeout, and many slow ones wait for their turn, not in vain', async () => {
    const file = newFile();
    const tracing = await start('moody', { file });
    await pass('hang');
    // More than it does at once; each as long as half of the time that a call may take.
    await Promise.all(Array.from({ length: 40 }, (_, i) => pass(`slow${i}`)));
    await eventually('it has heard all', () => tracing.stats().tracers.mine?.ok === 41 * 4 || undefined);
    const lines = await linesOf(file);
    // Those that were under way when the process was ended came again; the others were not.
    expect(lines.filter((line) => line.startsWith('slow')).length).toBeLessThan(4 * 40 + 16 * 2);
    await tracing.shutdown();
  });

  test('an exception with `permanent` is not tried again, and False from run is a failure', async () => {
    const tracing = await start('moody', { file: newFile() });
    await pass('refuse');
    await pass('false');
    await tracing.forceFlush();
    // chain_start of the first, and for the second all events that come with a call of run.
    expect(tracing.stats().tracers.mine).toMatchObject({ dead: 4, retried: 0 });
    await tracing.shutdown();
  });

  test('nothing is left of it when the program has ended', async () => {
    const file = newFile();
    const tracing = await start('moody', { file });
    await pass('hang');
    await eventually('it hangs', async () => (await linesOf(file).catch(() => [])).length > 0 || undefined);
    await tracing.shutdown();
    const left = () => execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes(file) || undefined;
    expect(left()).toBeUndefined();
  });

  test.each([
    [
      'no-module',
      { module: 'python:tracers.none' },
      /could not import tracers\.none \(ModuleNotFoundError: tracers\.none\)/,
    ],
    ['no-function', { module: 'python:json' }, /json has neither the function trace nor run/],
    [
      'no-python',
      { module: 'python:json', python: './no/python' },
      /no\/python could not be started.*\(ENOENT\)/,
    ],
  ])('what cannot be hosted is said at once: %s', async (_name, settings, message) => {
    const failure = pythonTracer({ ...settings, pythonpath: PATHS }, 'tracers.mine.module', folder);
    await expect(failure).rejects.toMatchObject({
      code: 'MODULE_INVALID',
      message: expect.stringMatching(message),
    });
  });
});

async function start(name: string, options: Record<string, unknown>): Promise<Tracing> {
  const tracing = await startTracing({
    log_level: 'error',
    tracers: {
      mine: {
        module: `python:tracers.${name}`,
        pythonpath: PATHS,
        options,
        delivery: { timeout: '3s', retry: { initial_interval: '10ms', max_interval: '500ms' } },
      },
    },
  });
  onTestFinished(() => tracing.shutdown());
  return tracing;
}

async function pass(uuid: string): Promise<void> {
  await traceChain(LINKS, uuid, (run) => run.link('tag', (vconUuid) => vconUuid));
}

async function linesOf(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).trimEnd().split('\n');
}

function missingPython(): string | undefined {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'python3 is not installed';
  }
}
