import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cosignerOf } from '../../src/ledger/proof/cosignature.ts';
import { generateKey } from '../../src/ledger/proof/note.ts';
import { servedDirectory } from '../ledger/monitor/served-directory.ts';
import { newSigner, ORIGIN, writeLedger } from '../ledger/written-ledger.ts';
import { startServer } from '../outgoing/misbehaving-server.ts';
import { jsonLines } from './command-line.ts';
import { runInProcess } from './in-process.ts';

const signer = newSigner();
const witness = cosignerOf('witness.example/w1', generateKey());
let folder: string;
let ledger: string;
let checkpoint: string;
let server: Awaited<ReturnType<typeof servedDirectory>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vcon-otel-audit-monitor-'));
  ledger = join(folder, 'ledger');
  await writeLedger(ledger, signer, 30);
  checkpoint = readFileSync(join(ledger, 'checkpoint'), 'utf8');
  server = await servedDirectory(ledger);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const monitor = (...args: string[]) =>
  runInProcess(['audit', 'monitor', ...args, '--key', signer.vkey, '--once'], { cwd: folder });
const local = ['--allow-private-host', '127.0.0.1'];

test('says of each ledger what it has, and ends with 0 where all are well', async () => {
  const { code, stdout, stderr } = await monitor('ledger', server.url.href, ...local);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(
    /^\d{4}-\S+Z ✓ ledger[.]example\/test \(\/\S+\/ledger\): 30 records, seen for the first time, 9 looked at\n\S+Z ✓ ledger[.]example\/test \(http:\S+\): 30 records, seen for the first time, 0 looked at\n$/,
  );
  expect((await monitor('ledger')).stdout).toContain('30 records, 0 more, 9 looked at\n');
});

test('says it in JSON, a line for each ledger and each finding', async () => {
  const { code, stdout } = await monitor('ledger', '--witness', witness.vkey, '--max-age', '2h', '--json');
  expect(code).toBe(11);
  expect(jsonLines(stdout)).toEqual([
    {
      kind: 'round',
      time: expect.stringMatching(/Z$/),
      ledger: ledger,
      origin: ORIGIN,
      size: 30,
      grown_from: 30,
      age: expect.any(Number),
      quorum_age: null,
      key_changes: [],
      sampled: 9,
      findings: ['QUORUM_MISSING'],
    },
    {
      kind: 'finding',
      time: expect.stringMatching(/Z$/),
      ledger: ledger,
      origin: ORIGIN,
      name: 'QUORUM_MISSING',
      text: 'fewer than 1 of the 1 witnesses have cosigned it in the time allowed',
      evidence: null,
    },
  ]);
});

test.each<[string, number, () => void]>([
  ['CHECKPOINT_INVALID', 1, () => writeFileSync(join(ledger, 'checkpoint'), 'garbage')],
  [
    'BAD_SIGNATURE',
    7,
    () => writeFileSync(join(ledger, 'checkpoint'), checkpoint.replace('\n30\n', '\n31\n')),
  ],
  ['CHECKPOINT_MISSING', 6, () => rmSync(join(ledger, 'checkpoint'))],
  ['UNREACHABLE', 13, () => server.acts.set('*', (response) => response.writeHead(500).end())],
])('ends with a code for what was found: %s', async (name, expected, provoke) => {
  provoke();
  const { code, stdout } = await monitor(server.url.href, ...local);
  writeFileSync(join(ledger, 'checkpoint'), checkpoint);
  server.acts.clear();
  expect(stdout).toContain(`: ${name}: `);
  expect(code).toBe(expected);
});

test('what is proven counts more than what could not be looked at', async () => {
  const other = newSigner();
  await writeLedger(join(folder, 'other'), other, 30);
  const { code, stdout } = await monitor('nowhere', 'other', 'ledger', '--state', 'state');
  expect(stdout).toMatch(/UNREACHABLE.*\n.*UNKNOWN_KEY.*\n.*✓/);
  expect(code).toBe(4);
});

test.each<[string[], string]>([
  [['ftp://example.com/'], 'begins with http:// or https://'],
  [['http://me:secret@example.com/'], 'has no user, no query and no fragment'],
  [['http://example.com/?token=secret'], 'has no user, no query and no fragment'],
  [['ledger/checkpoint'], 'ledger/checkpoint is a file: a ledger is a directory, or a URL'],
  [['ledger', '--quorum', '1'], '--quorum and --max-age need --witness'],
  [['ledger', '--state', 'ledger/checkpoint'], 'ledger/checkpoint cannot be used (E'],
  [['ledger', '--metrics-port', '70000'], 'It is a port number.'],
])('%j says what is wrong, and ends with 3', async (args, message) => {
  const { code, stdout, stderr } = await monitor(...args);
  expect([code, stdout]).toEqual([3, '']);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('secret');
});

test('a place that asks for a token gets it from a file, and no other host does', async () => {
  const heard: (string | undefined)[] = [];
  const asking = await startServer((response, { headers, path = '' }) => {
    heard.push(headers.authorization);
    const file = join(ledger, path.replace('/path/', ''));
    if (headers.authorization !== 'Bearer a.token') return response.writeHead(401).end();
    return existsSync(file) && statSync(file).isFile()
      ? response.writeHead(200).end(readFileSync(file))
      : response.writeHead(404).end();
  });
  writeFileSync(join(folder, 'token'), 'a.token\n');
  const state = ['--state', 'state-token'];
  const url = asking.url.href;
  expect((await monitor(url, ...local, ...state)).code).toBe(13);
  expect((await monitor(url, ...local, ...state, '--token-file', 'token')).code).toBe(0);
  const { length } = heard;
  for (const args of [[url, server.url.href, ...local], [url], ['ledger']])
    expect((await monitor(...args, ...state, '--token-file', 'token')).code).toBe(3);
  expect(heard).toHaveLength(length);
  await asking.close();
});
