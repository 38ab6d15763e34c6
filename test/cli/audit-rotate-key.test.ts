import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ledgerSigner, openLedger, openMirror } from '../../src/ledger/index.ts';
import { cosignerOf } from '../../src/ledger/proof/cosignature.ts';
import { generateKey, parseVerifierKey, signerOf } from '../../src/ledger/proof/note.ts';
import { Witness } from '../../src/ledger/witness/witness.ts';
import { startWitnessServer } from '../../src/ledger/witness/witness-server.ts';
import { entries, ORIGIN, settingsFor, uuidOf } from '../ledger/written-ledger.ts';
import { PATIENCE } from '../support/eventually.ts';
import { runInProcess } from './in-process.ts';

const VERIFIER = join(import.meta.dirname, '../../integrations/auditor/verify_proof.py');
const hasPython = spawnSync('python3', ['-c', 'import cryptography']).status === 0;

const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-rotate-'));
const at = (...path: string[]) => join(folder, ...path);
const audit = (...args: string[]) => runInProcess(['audit', ...args], { cwd: folder });
const vkey = () => readFileSync(at('ledger', 'ledger.vkey'), 'utf8').trim();
const idOf = (key: string) => key.split('+')[1];
const cosigner = cosignerOf('witness.example/w1', generateKey());
let former: string;
let fresh: string;
const monitor = (key: string, where = 'published') =>
  audit('monitor', where, '--key', key, '--once', '--state', `state-${idOf(key)}`);

/** A ledger that has a mirror, a witness, an anchor and a publication, before and after its key was changed. */
beforeAll(async () => {
  mkdirSync(at('mirror'));
  settingsFor(at('ledger'), { name: ORIGIN, vkey: '', sign: String });
  former = ledgerSigner(at('ledger'), ORIGIN).signer.vkey;
  await service(20);
  await audit('export', 'ledger', '--format', 'tiles', '--out', 'published');
  expect((await monitor(former)).code).toBe(0);
  writeFileSync(at('old.json'), (await audit('prove', 'ledger', '--vcon', uuidOf(1))).stdout);
  const { code, stdout } = await audit('rotate-key', 'ledger', '--reason', 'yearly', '--actor', 'A. Reader');
  fresh = vkey();
  expect([code, stdout]).toEqual([0, expect.stringContaining(`Its verifier key:\n${fresh}\n`)]);
  await service(20, 20);
  await audit('export', 'ledger', '--format', 'tiles', '--out', 'published');
  writeFileSync(at('bundle.json'), (await audit('prove', 'ledger', '--vcon', uuidOf(1))).stdout);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a service does that knows of everything, and whose witness knows the keys of by then. */
async function service(records: number, from = 0) {
  const { signer } = ledgerSigner(at('ledger'), ORIGIN);
  const keys = [former, ...(existsSync(at('ledger', 'rotations')) ? [signer.vkey] : [])];
  const verifiers = [...new Set(keys)].map(parseVerifierKey);
  const book = new Witness({
    directory: at('w1'),
    cosigner,
    logs: [{ origin: ORIGIN, verifiers }],
    notice: () => {},
  });
  const server = await startWitnessServer(book, { host: '127.0.0.1', port: 0 }, 'witness');
  const ledger = openLedger(
    settingsFor(at('ledger'), signer, {
      anchor: at('anchor'),
      mirror: openMirror({ type: 'directory', path: at('mirror') }),
      witnessing: {
        witnesses: [{ url: server.url, key: cosigner.vkey }],
        quorum: 1,
        allowPrivateHosts: ['127.0.0.1'],
        patience: 1_000_000,
      },
    }),
  );
  await Promise.all(entries(records, from).map((entry) => ledger.append(entry)));
  await ledger.tend();
  const { size } = ledger;
  await vi.waitUntil(() => book.sizes()[0]?.size === size && ledger.standing.mirror?.records === 0, PATIENCE);
  await ledger.close();
  await server.close();
  await book.close();
}

describe.each(['former', 'fresh'] as const)('after a change of the key, with the %s one', (which) => {
  const key = () => (which === 'former' ? former : fresh);

  test('the ledger, its anchor, its mirror, its witness and its publication verify', async () => {
    const { code, stdout, stderr } = await audit(
      ...[
        'verify',
        'ledger',
        '--key',
        key(),
        '--since',
        'anchor',
        '--mirror',
        'mirror',
        '--published',
        'published',
      ],
      ...['--witness', cosigner.vkey, '--max-age', '1h', '--strict'],
    );
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout).toContain(`  signed by    ${idOf(former)} until record 22, then ${idOf(fresh)}\n`);
    const { stdout: json } = await audit('verify', 'ledger', '--key', key(), '--json');
    expect(JSON.parse(json)).toMatchObject({
      key_changes: [{ seq: 22, former: idOf(former), next: idOf(fresh) }],
    });
    expect((await audit('consistency', 'ledger', '20', '--key', key())).code).toBe(0);
  });

  test('its mirror comes back', async () => {
    const { code } = await audit('restore', 'mirror', `back-${which}`, '--key', key());
    expect(code).toBe(0);
    expect((await audit('verify', `back-${which}`, '--key', key())).code).toBe(0);
  });

  test('bundles are proven, also those of before', async () => {
    const { code, stdout } = await audit('verify', '--proof', 'bundle.json', '--key', key());
    expect([code, stdout]).toEqual([0, expect.stringContaining(`record 22 changed the key ${idOf(former)}`)]);
    const witnessed = ['--witness', cosigner.vkey];
    expect((await audit('verify', '--proof', 'bundle.json', '--key', key(), ...witnessed)).code).toBe(0);
    // It has no proof of what came later.
    const old = await audit('verify', '--proof', 'old.json', '--key', key());
    expect(old.code).toBe(which === 'former' ? 0 : 4);
  });

  test.skipIf(!hasPython)("an auditor's own program says the same", () => {
    const run = (file: string, ...keys: string[]) =>
      spawnSync('python3', [VERIFIER, at(file), ...keys.flatMap((one) => ['--key', one])], {
        encoding: 'utf8',
      });
    expect(run('bundle.json', key())).toMatchObject({ status: 0, stderr: '' });
    const bundle = JSON.parse(readFileSync(at('bundle.json'), 'utf8'));
    const spoiled = (change: (proof: string) => string) => {
      writeFileSync(
        at('spoiled.json'),
        JSON.stringify({ ...bundle, rotations: bundle.rotations.map(change) }),
      );
      return run('spoiled.json', key()).status;
    };
    // Without the signature of the former key, and with another record.
    expect(spoiled((proof) => proof.replace(/\n— [^\n]*(?=\n— )/, ''))).toBe(4);
    expect(
      spoiled((proof) => proof.replace(/(?<=\nextra )\S+/, Buffer.from('{}').toString('base64'))),
    ).not.toBe(0);
    writeFileSync(at('spoiled.json'), JSON.stringify({ ...bundle, rotations: undefined }));
    expect(run('spoiled.json', key()).status).toBe(which === 'former' ? 4 : 0);
  });
});

test('a monitor that was told of the former key follows, says so once, and takes nothing of that key any more', async () => {
  const changed = await monitor(former);
  expect([changed.code, changed.stdout]).toEqual([
    0,
    expect.stringMatching(/ ! .*: record 22 changed the key \w{8} for \w{8}, signed by both\n.* ✓ /),
  ]);
  const again = await monitor(former);
  expect([again.code, again.stdout]).toEqual([0, expect.not.stringContaining('changed the key')]);
  // Without what proves the change, it knows of it.
  const rotations = readFileSync(at('published', 'rotations'));
  rmSync(at('published', 'rotations'));
  expect((await monitor(former)).code).toBe(0);
  expect((await audit('monitor', 'published', '--key', former, '--once', '--state', 'state-new')).code).toBe(
    4,
  );
  writeFileSync(at('published', 'rotations'), rotations);
  expect((await monitor(fresh)).code).toBe(0);
});

test('where the private key is not beside the ledger, the next one must be named', async () => {
  const rotate = (...args: string[]) => audit('rotate-key', 'back-former', '--reason', 'lost', ...args);
  const unnamed = await rotate();
  expect([unnamed.code, unnamed.stderr]).toEqual([3, expect.stringContaining('name it with --key-file')]);
  expect((await rotate('--key-file', 'missing.pem')).code).toBe(3);
  await audit('keygen', '--origin', ORIGIN, '--out', 'next.pem');
  const { code, stdout } = await rotate('--key-file', 'next.pem', '--json');
  const next = signerOf(ORIGIN, readFileSync(at('next.pem'), 'utf8')).vkey;
  expect([code, JSON.parse(stdout)]).toEqual([0, { done: false, verifier_key: next }]);
});
