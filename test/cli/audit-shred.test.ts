import { randomUUID } from 'node:crypto';
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { isFileLocked } from '../../src/persistence/file-lock.ts';
import { startService } from '../../src/service/service.ts';
import { PATIENCE } from '../support/eventually.ts';
import { FactWorker } from '../support/fact-worker.ts';
import { conserverSpan, request } from '../support/otlp-request.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { runInProcess } from './in-process.ts';

const [ERASED, KEPT] = ['018f0000-0000-8000-8000-00000000ab01', '018f0000-0000-8000-8000-00000000ab02'];

/** Somebody else's tracer that keeps a file of its own, and can erase in it. */
const MINE = `import { existsSync, readFileSync, writeFileSync, appendFileSync } from 'node:fs';
const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
export default {
  create: ({ path }) => ({ trace: (uuid) => appendFileSync(path, uuid + '\\n') }),
  erasure: {
    mentions: async ({ path }, { spellings }) => [
      { what: 'notes', count: read(path).split('\\n').filter((line) => spellings.includes(line)).length },
    ],
    erase: async ({ path }, { spellings }, pseudonym) =>
      writeFileSync(path, read(path).split('\\n').map((line) => (spellings.includes(line) ? pseudonym : line)).join('\\n')),
  },
};
`;

/** An adapter with everything that keeps something, in a folder. */
function adapter() {
  const folder = temporaryFolder();
  const at = (...path: string[]) => join(folder, ...path);
  mkdirSync(at('vcons'));
  for (const uuid of [ERASED, KEPT]) writeFileSync(at('vcons', `${uuid}.json`), JSON.stringify({ uuid }));
  writeFileSync(at('mine.mjs'), MINE);
  const config = {
    log_level: 'error',
    shutdown_timeout: '3s',
    journal: { type: 'sqlite', path: at('journal.db') },
    vcon_store: { type: 'directory', path: at('vcons') },
    chains: { main: { links: ['a', 'b'] } },
    receivers: {
      http: { host: '127.0.0.1', port: 0, token: 'token-of-a-test' },
      assembler: { settle: '200ms', timeout: '1h' },
    },
    exporters: { otlp_file: { path: at('traces.jsonl') }, otlp: { endpoint: 'http://127.0.0.1:9' } },
    tracers: {
      ledger: { module: 'tracers.compliance', options: { directory: at('ledger') } },
      trail: { module: 'tracers.db_audit', options: { url: `sqlite:${at('trail.db')}` } },
      log: { module: 'tracers.audit_log', options: { log_file: at('log.jsonl') } },
      mine: { module: at('mine.mjs'), options: { path: at('mine.txt') } },
    },
  };
  // YAML has all of JSON.
  writeFileSync(at('config.yaml'), JSON.stringify(config));
  const shred = (...args: string[]) =>
    runInProcess(['audit', 'shred', '--config', at('config.yaml'), '--vcon', ERASED, ...args]);
  return {
    at,
    shred,
    /** Another tracer in the configuration. */
    also: (name: string, tracer: object) =>
      writeFileSync(
        at('config.yaml'),
        JSON.stringify({ ...config, tracers: { ...config.tracers, [name]: tracer } }),
      ),
    erase: () => shred('--everywhere', '--reason', 'asked to', '--actor', 'alice'),
    async start() {
      const service = await startService(await loadConfig(at('config.yaml')));
      onTestFinished(() => service.shutdown());
      const post = async (path: string, type: string, body: Uint8Array, more = {}) => {
        const headers = { 'content-type': type, authorization: 'Bearer token-of-a-test', ...more };
        const answer = await fetch(service.receiverUrl + path, {
          method: 'POST',
          headers,
          body: Buffer.from(body),
        });
        expect(answer.status).toBe(200);
      };
      const facts = (texts: readonly string[]) =>
        post('/v1/bridge', 'application/json', Buffer.from(`[${texts.join()}]`));
      return { facts, post, stop: () => service.shutdown() };
    },
    /** Everything that is on the disk, but for what stays as it is. */
    bytes: () =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => !/\/(?:vcons|ledger)\//.test(path))
        .map((path) => [path, readFileSync(path)] as const),
    lines: (name: string) => readFileSync(at(name), 'utf8').trim().split('\n'),
  };
}

/** Two runs, of which the tracers have heard, and one that is under way. */
async function worked() {
  const made = adapter();
  const service = await made.start();
  const worker = new FactWorker(4_711);
  const chain = { name: 'main', links: ['a', 'b'], storages: [] };
  // Nobody else exports spans of it.
  const attach = worker.attach().replace('"spans":"server"', '"spans":"none"');
  await service.facts([attach, ...worker.run(1, chain, ERASED), ...worker.run(1, chain, KEPT)]);
  const begun = [...worker.run(2, chain, ERASED)];
  await service.facts(begun.slice(0, 3));
  const spans = request([conserverSpan('link.a', { vcon_id: ERASED })]).protobuf;
  await service.post('/v1/traces', 'application/x-protobuf', gzipSync(spans), { 'content-encoding': 'gzip' });
  await vi.waitUntil(() => made.lines('log.jsonl').length >= 14, PATIENCE);
  await vi.waitUntil(() => made.lines('mine.txt').length >= 14, PATIENCE);
  await vi.waitUntil(() => made.lines('traces.jsonl').join().includes(KEPT), PATIENCE);
  await service.stop();
  // Though an endpoint is down: whoever comes next need not wait.
  const locks = globSync('**/spans-*/lock', { cwd: made.at() });
  expect(locks.map((path) => [path, isFileLocked(made.at(path))])).toEqual(
    locks.map((path) => [path, false]),
  );
  expect(locks.length).toBe(2);
  return { ...made, rest: begun.slice(3) };
}

test('shred says what else names a vCon, and changes nothing of it', async () => {
  const { shred, lines, also } = await worked();
  const before = lines('log.jsonl');
  also('away', {
    module: 'tracers.external_audit',
    options: { api_url: 'https://audit.example.com/events' },
  });
  const { code, stdout, stderr } = await shred();
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/· journal: \d+ events\n/);
  expect(stdout).toMatch(/· journal: \d+ entries of the input log\n/);
  expect(stdout).toMatch(/· exporters\.otlp_file: \d+ lines\n/);
  expect(stdout).toMatch(/· exporters\.otlp: \d+ groups of spans that wait to be sent\n/);
  expect(stdout).toMatch(/· exporters\.otlp: spans that were sent; erase them where they went\n/);
  expect(stdout).toMatch(/· tracers\.trail: \d+ rows\n/);
  expect(stdout).toContain(
    '· tracers.away: events that were sent; the audit service has them: erase them there\n',
  );
  expect(stdout).toMatch(/· tracers\.mine: \d+ notes\n/);
  expect(stdout).toMatch(/· vcon_store: 1 documents; the conserver's own: delete it there\n/);
  expect(stdout).toMatch(/· tracers\.ledger: \d+ records of the ledger; /);
  expect(lines('log.jsonl')).toEqual(before);
});

test('everywhere, nothing but the ledger names the vCon any more, and all goes on', async () => {
  const { erase, bytes, lines, at, start, shred, rest } = await worked();
  const before = lines('log.jsonl');
  const { code, stdout, stderr } = await erase();
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/✓ journal: \d+ events\n/);
  expect(stdout).toMatch(/✓ tracers\.mine: \d+ notes\n/);
  expect(stdout).toMatch(/The ledger has recorded this/);
  for (const [path, data] of bytes()) expect([path, data.includes(ERASED)]).toEqual([path, false]);
  expect(lines('log.jsonl').length).toBe(before.length);
  expect(lines('log.jsonl').filter((line) => line.includes(KEPT))).toEqual(
    before.filter((line) => line.includes(KEPT)),
  );
  // Recorded: which place, who and why; which vCon it was, only where its key was destroyed.
  const records = lines('ledger/segments/00000000000000000000.jsonl').map((line) => JSON.parse(line));
  const order = records.find(({ event }) => event === 'vcon_key_destroyed');
  const erased = records.filter(({ event }) => event === 'vcon_erased');
  expect(order.vcon_uuid).toBe(ERASED);
  expect(erased.map(({ place }) => place)).toEqual(
    expect.arrayContaining([
      'journal',
      'exporters.otlp',
      'exporters.otlp_file',
      'tracers.trail',
      'tracers.log',
      'tracers.mine',
    ]),
  );
  for (const record of erased) {
    expect(record).toMatchObject({ actor: 'alice', reason: 'asked to', order: order.record_id });
    expect(JSON.stringify(record)).not.toContain(ERASED);
  }
  expect((await runInProcess(['audit', 'verify', at('ledger')])).code).toBe(0);
  // Done twice it finds nothing to erase; and a service goes on where it was.
  const again = JSON.parse((await shred('--everywhere', '--reason', 'again', '--json')).stdout);
  const open = again.places.flatMap(({ mentions }: { mentions: { stays: string | null }[] }) => mentions);
  expect(open.filter(({ stays }: { stays: string | null }) => stays === null)).toEqual([]);
  const service = await start();
  await service.facts(rest.map((text) => text.replaceAll(ERASED, KEPT)));
  await vi.waitUntil(() => lines('log.jsonl').length > before.length, PATIENCE);
  await service.stop();
  for (const [path, data] of bytes()) expect([path, data.includes(ERASED)]).toEqual([path, false]);
  expect((await runInProcess(['audit', 'verify', at('ledger')])).code).toBe(0);
});

test('beside a running service nothing is erased, and the reason is said', async () => {
  const { erase, start, at } = adapter();
  await start();
  const { code, stdout, stderr } = await erase();
  expect([code, stdout]).toEqual([3, '']);
  expect(stderr).toContain(`a service has the ledger in ${at('ledger')} open: stop it`);
});

test('what cannot be erased is said, and the rest is erased', async () => {
  const { erase, at, lines } = await worked();
  writeFileSync(at('trail.db'), 'no database');
  const { code, stdout } = await erase();
  expect(code).toBe(3);
  expect(stdout).toContain('✗ tracers.trail: ');
  expect(stdout).toContain('Not everything could be looked at or erased');
  expect(lines('log.jsonl').join()).not.toContain(ERASED);
  // Mended, the same command does the rest.
  rmSync(at('trail.db'));
  expect((await erase()).code).toBe(0);
  expect((await runInProcess(['audit', 'verify', at('ledger')])).code).toBe(0);
});

test('a vCon that nothing names is refused, and so is an order without its reason', async () => {
  const { start, shred, at } = adapter();
  await (await start()).stop();
  const unknown = ['audit', 'shred', '--config', at('config.yaml'), '--vcon', randomUUID()];
  expect((await runInProcess([...unknown, '--everywhere', '--reason', 'asked to'])).code).toBe(1);
  const { code, stderr } = await shred('--everywhere');
  expect([code, stderr]).toEqual([
    3,
    expect.stringContaining('--everywhere needs --config FILE, --reason TEXT'),
  ]);
});
