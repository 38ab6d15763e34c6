import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KeyStore, openLedger, openMirror } from '../../src/ledger/index.ts';
import { commitmentTo } from '../../src/ledger/keys/key-store.ts';
import { entries, newSigner, settingsFor, uuidOf } from '../ledger/written-ledger.ts';
import { PATIENCE } from '../support/eventually.ts';
import { runInProcess } from './in-process.ts';

const signer = newSigner();
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vcon-otel-audit-mirror-'));
  mkdirSync(join(folder, 'mirror'));
  const ledger = open();
  for (const entry of entries(40)) await ledger.append(await committed(entry));
  await ledger.tend();
  await caughtUp(ledger);
  await ledger.close();
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (...path: string[]) => join(folder, ...path);
const SEGMENT = join('segments', '00000000000000000000.jsonl');

function open(directory = 'ledger', more = {}) {
  return openLedger(
    settingsFor(at(directory), signer, {
      mirror: openMirror({ type: 'directory', path: at('mirror') }),
      ...more,
    }),
  );
}

const caughtUp = (ledger: ReturnType<typeof open>) =>
  vi.waitUntil(() => ledger.standing.mirror?.records === 0 && ledger.standing.mirror.seconds === 0, PATIENCE);

/** The end of a chain has a hash under its vCon's key. */
async function committed(entry: ReturnType<typeof entries>[number]) {
  if (entry.event !== 'chain_error') return entry;
  const keys = new KeyStore(at('ledger'));
  const hashed = await keys.keyed(entry.vcon_uuid, 'a document');
  const key = await keys.read(entry.vcon_uuid);
  return {
    ...entry,
    content_hash: hashed?.hash,
    content_binding: 'hmac' as const,
    hash_algorithm: 'sha256' as const,
    key_commitment: commitmentTo(key ?? Buffer.alloc(0)),
  };
}

const audit = (...args: string[]) => runInProcess(['audit', ...args], { cwd: folder });
const verify = (...more: string[]) =>
  audit('verify', 'ledger', '--key', signer.vkey, '--mirror', 'mirror', ...more);

function tamper(
  copy: string,
  change = (text: string) => text.replace('"step":"transcribe"', '"step":"transcribf"'),
) {
  const file = at(copy, SEGMENT);
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

describe('verify --mirror', () => {
  test('says that both are the same, which excludes a rollback', async () => {
    const { code, stdout } = await verify('--strict');
    expect(stdout).toContain('  mirror       the same 40 records\n');
    expect(stdout).toContain('by itself it is intact');
    expect(stdout).toContain('excluded up to the 40 records');
    expect(code).toBe(0);
  });

  test('names the first record of a tampered mirror, and that it is not what was signed', async () => {
    tamper('mirror');
    const { code, stdout } = await verify();
    expect(stdout).toContain(`differs from record 1 on: ${SEGMENT}, byte `);
    expect(stdout).toContain('✓ intact');
    expect(stdout).toMatch(/by itself it is tampered: is not what was written/);
    expect(code).toBe(14);
  });

  test('says of a tampered original that the mirror is intact', async () => {
    tamper('ledger');
    const { code, stdout } = await verify();
    expect(stdout).toContain('differs from record 1 on');
    expect(stdout).toContain('by itself it is intact');
    expect(code).toBe(1);
  });

  test('says that a ledger was set back, of which the mirror has more', async () => {
    cpSync(at('ledger'), at('older'), { recursive: true });
    const ledger = open();
    for (const entry of entries(8, 40)) await ledger.append(entry);
    await ledger.tend();
    await caughtUp(ledger);
    await ledger.close();
    rmSync(at('ledger'), { recursive: true });
    cpSync(at('older'), at('ledger'), { recursive: true });
    const { code, stdout } = await verify('--json');
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'rolled_back',
      mirror: { state: 'ahead', signed: 40, mirrored: 48, by_itself: 'intact' },
    });
    expect(code).toBe(5);
  });

  test('says how far a mirror is behind', async () => {
    const ledger = open('ledger', { mirror: undefined });
    for (const entry of entries(8, 40)) await ledger.append(entry);
    await ledger.close();
    const { code, stdout } = await verify();
    expect(stdout).toContain('the same, up to 40 of 48 records');
    expect(code).toBe(0);
  });

  test('says of an empty mirror that nothing is there', async () => {
    rmSync(at('mirror'), { recursive: true });
    mkdirSync(at('mirror'));
    const { code, stdout } = await verify();
    expect(stdout).toContain('has no checkpoint');
    expect(code).toBe(14);
  });
});

describe('restore', () => {
  const restore = (...more: string[]) => audit('restore', 'mirror', 'back', '--key', signer.vkey, ...more);

  test('brings a ledger back that verifies, says what is lost, and goes on', async () => {
    await audit('shred', 'ledger', '--vcon', uuidOf(0));
    const shredding = open();
    await shredding.tend();
    await shredding.tend();
    await caughtUp(shredding);
    await shredding.close();
    const { code, stdout, stderr } = await restore('--actor', 'somebody');
    expect(stdout).toContain('✓ intact');
    expect(stdout).toContain('up to the checkpoint of 41 records');
    expect(stdout).toContain('the keys of 4 vCons');
    expect(stderr).toContain('100 % of');
    expect(code).toBe(0);
    const before = await audit('verify', 'back', '--key', signer.vkey);
    expect(before.stdout).toContain('those of 4 vCons were lost');
    expect(before.code).toBe(0);
    const ledger = open('back', { anchor: at('anchor') });
    for (const entry of entries(8, 40)) await ledger.append(entry);
    await ledger.tend();
    await ledger.tend();
    await caughtUp(ledger);
    await ledger.close();
    expect(readFileSync(at('back', SEGMENT), 'utf8')).toContain('"actor":"somebody"');
    const after = await audit('verify', 'back', '--key', signer.vkey, '--mirror', 'mirror', '--strict');
    expect(after.stdout).toContain('the same 50 records');
    expect(after.code).toBe(0);
    expect(await new KeyStore(at('back')).keyed(uuidOf(0), 'again')).toBeUndefined();
  });

  test('does not overwrite anything', async () => {
    mkdirSync(at('back'));
    writeFileSync(at('back', 'mine'), 'kept');
    const { code, stderr } = await restore();
    expect(stderr).toContain('back is not empty: nothing is overwritten');
    expect(code).toBe(3);
    expect(readFileSync(at('back', 'mine'), 'utf8')).toBe('kept');
  });

  test('goes on where it was broken off', async () => {
    mkdirSync(at('back', 'segments'), { recursive: true });
    writeFileSync(at('back', 'restoring'), '');
    const part = readFileSync(at('mirror', SEGMENT)).subarray(0, 777);
    writeFileSync(at('back', SEGMENT), part);
    const { code } = await restore();
    expect(code).toBe(0);
    expect(existsSync(at('back', 'restoring'))).toBe(false);
  });

  test('leaves out what the checkpoint of the mirror does not cover', async () => {
    const [line = ''] = readFileSync(at('mirror', SEGMENT), 'utf8').split('\n');
    appendFileSync(at('mirror', SEGMENT), `${line}\n`);
    const { code } = await restore();
    expect(code).toBe(0);
    expect(readFileSync(at('back', SEGMENT)).equals(readFileSync(at('ledger', SEGMENT)))).toBe(true);
  });

  test('of a tampered mirror says so, and that it must not be used', async () => {
    tamper('mirror');
    const { code, stdout } = await restore();
    expect(stdout).toContain('✗ tampered: record 1');
    expect(stdout).toContain('do not use it');
    expect(code).toBe(1);
    expect(existsSync(at('back', 'restoring'))).toBe(true);
  });

  test('refuses a mirror that another key has signed', async () => {
    const { code, stderr } = await audit('restore', 'mirror', 'back', '--key', newSigner().vkey);
    expect(stderr).toContain('was not signed by the given key');
    expect(code).toBe(3);
  });
});
