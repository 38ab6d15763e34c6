import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { PATIENCE } from '../support/eventually.ts';
import { startVconOtel, temporaryFolder } from './command-line.ts';

// A real process, because it is told by a signal, and because its tracers are in threads.

const FIRST = 'kanari-first';
const SECOND = 'kanari-geheim';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (name: string) => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryFolder();
  writeFileSync(
    at('writes.mjs'),
    `import { appendFileSync } from 'node:fs';
     import { setTimeout as wait } from 'node:timers/promises';
     export default {
       create({ file, milliseconds }) {
         if (milliseconds === 13) throw new RangeError('never on a Friday');
         const hear = async (call, { eventId }) => {
           await wait(milliseconds);
           appendFileSync(file, eventId + ' ' + call + '\\n');
         };
         return {
           trace: (uuid, name, options, event) => hear('trace', event),
           run: (before, after, tracer, links, index, options, event) => hear('run', event),
         };
       },
     };`,
  );
});
afterAll(() => folder.remove());

const writing = (name: string, milliseconds = 0) => ({
  module: './writes.mjs',
  options: { file: at(`${name}.txt`), milliseconds },
});

function heardBy(name: string): string[] {
  return existsSync(at(`${name}.txt`))
    ? readFileSync(at(`${name}.txt`), 'utf8')
        .trim()
        .split('\n')
    : [];
}

const BASE = () => ({
  tracers: { steady: writing('steady'), changed: writing('changed') } as Record<string, object>,
  chains: { main: { links: ['a', 'b'] } } as Record<string, object>,
  journal: { type: 'sqlite', path: at('journal.db') },
  health: { port: 0 },
  receivers: {
    http: { port: 0, token: FIRST },
    assembler: { settle: '100ms', oldest: '36500d', ahead: '36500d' },
  },
});

/** Sends runs until it is told to end, with whichever token is known. */
function traffic(url: string) {
  let isOver = false;
  let runs = 0;
  let seq = 0;
  let token = FIRST;
  const send = async (): Promise<void> => {
    const uuid = `01928e10-193e-8231-b9a2-${(runs + 1).toString(16).padStart(12, '0')}`;
    const records = [-1, 0, 1].map((index) => {
      seq += 1;
      const ts = String(1_795_000_000_000_000_000n + BigInt(seq) * 1_000_000n);
      const worker = { host: 'h', pid: 1 };
      return {
        v: 1,
        kind: 'run',
        tracer: 'f',
        in: uuid,
        out: uuid,
        links: ['a', 'b'],
        index,
        ts,
        worker,
        seq,
      };
    });
    for (;;) {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const { status } = await fetch(`${url}/v1/bridge`, {
        method: 'POST',
        headers,
        body: JSON.stringify(records),
      });
      if (status === 200) break;
      // Whoever sends is told of another token later than the service.
      if (status === 401) token = token === FIRST ? SECOND : FIRST;
      else if (status !== 503) throw new Error(`answered ${status}`);
    }
    runs += 1;
  };
  const sending = (async () => {
    while (!isOver) await send();
  })();
  return {
    runs: () => runs,
    token: () => token,
    async end() {
      isOver = true;
      await sending;
    },
  };
}

test('SIGHUP during a start ends nothing: what it asks for is done after it', async () => {
  writeFileSync(
    at('listening.mjs'),
    `process.on('newListener', (name) => name === 'SIGHUP' && process.stdout.write('listening\\n'));`,
  );
  writeFileSync(at('start.yml'), JSON.stringify({ health: { port: 0 }, journal: { type: 'memory' } }));
  const env = { NODE_OPTIONS: `--import ${at('listening.mjs')}` };
  const running = startVconOtel(['serve', at('start.yml')], { cwd: folder.path, env });
  await running.printed('listening');
  const sending = setInterval(() => running.child.kill('SIGHUP'), 20);
  await running.printed('ends it.').finally(() => clearInterval(sending));
  await running.said('nothing has changed');
  running.child.kill('SIGTERM');
  expect((await running.ended).code).toBe(0);
});

test('at SIGHUP the configuration is read again, all or nothing, and no event is lost or heard twice', async () => {
  const config = BASE();
  const write = (others: object = {}) =>
    writeFileSync(at('config.yml'), JSON.stringify({ ...config, ...others }));
  write();
  const running = startVconOtel(['serve', at('config.yml')], { cwd: folder.path });
  let [screen, log] = ['', ''];
  running.child.stdout?.on('data', (text: string) => (screen += text));
  running.child.stderr?.on('data', (text: string) => (log += text));
  await running.printed('ends it.');
  const url = /(http:\/\/\S+)\/v1\/traces/.exec(screen)?.[1] ?? '';
  const health = /(http:\/\/\S+)\/healthz/.exec(screen)?.[1] ?? '';
  const sending = traffic(url);
  /** Has it read again, and returns what it says of that. */
  const again = async (...expected: readonly string[]) => {
    const before = log.length;
    const runs = sending.runs();
    running.child.kill('SIGHUP');
    const said = () => log.slice(before);
    const isSaid = () => expected.every((text) => said().includes(text)) || running.child.exitCode !== null;
    await vi.waitUntil(isSaid, PATIENCE).catch(() => undefined);
    for (const text of expected) expect(said()).toContain(text);
    // It goes on.
    await vi.waitUntil(() => sending.runs() > runs + 5, PATIENCE);
    return said();
  };
  const was = (path: string, how = 'changed') => `read again: ${path} was ${how}`;

  for (const milliseconds of [1, 3]) {
    config.tracers.changed = writing('changed', milliseconds);
    write();
    await again(was('tracers.changed.options.milliseconds'));
  }
  config.tracers.late = writing('late');
  config.chains.main = { links: ['a', 'b'], tracers: ['steady', 'changed', 'late'] };
  config.receivers.http.token = SECOND;
  write({ log_level: 'debug' });
  const added = await again(
    was('tracers.late', 'added'),
    was('receivers.http.token'),
    was('chains.main.tracers', 'added'),
    was('log_level'),
  );
  expect(added).not.toContain(SECOND);
  await vi.waitUntil(() => sending.token() === SECOND && heardBy('late').length > 0, PATIENCE);

  // What cannot be applied as a whole is not applied at all.
  writeFileSync(at('config.yml'), 'tracers:\n  steady:\n    modul: ./writes.mjs\n');
  await again('not applied: tracers.steady.modul: unknown key', '(line 3, column 5)');
  writeFileSync(at('config.yml'), 'tracers: [');
  await again('not applied: line 1, column');
  write({ journal: { type: 'sqlite', path: at('other.db') }, log_level: 'warn' });
  await again('not applied: journal.path: needs a restart');
  const { steady } = config.tracers;
  config.tracers.steady = writing('steady', 13);
  write();
  await again('not applied: tracers.steady: it could not be made: RangeError');
  config.tracers.steady = steady ?? {};

  delete config.tracers.late;
  config.chains.main = { links: ['a', 'b'] };
  write();
  await again(was('tracers.late', 'removed'), was('log_level'));
  const atTheEnd = heardBy('late').length;
  await again('nothing has changed');
  await sending.end();
  await vi.waitUntil(async () => {
    const { tracers, receivers } = (await (await fetch(`${health}/readyz`)).json()) as {
      tracers: Record<string, { pending: number }>;
      receivers: { open_runs: number };
    };
    return receivers.open_runs === 0 && Object.values(tracers).every(({ pending }) => pending === 0);
  }, PATIENCE);
  running.child.kill('SIGTERM');
  expect((await running.ended).code).toBe(0);

  const heard = heardBy('steady');
  const perRun = new Set(heard.map((line) => line.split(' ', 1)[0]?.split('/')[0]));
  expect(perRun.size).toBe(sending.runs());
  expect(heard.length % perRun.size).toBe(0);
  expect(new Set(heard).size).toBe(heard.length);
  expect(heardBy('changed').toSorted()).toEqual(heard.toSorted());
  const late = heardBy('late');
  expect(late).toHaveLength(atTheEnd);
  expect(new Set(late).size).toBe(late.length);
  expect(late.every((line) => heard.includes(line))).toBe(true);
});
