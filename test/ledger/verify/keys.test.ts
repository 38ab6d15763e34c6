import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  checkProof,
  KeyStore,
  type LedgerEntry,
  leaveRequest,
  openLedger,
  parseVerifierKey,
  proveVcon,
  verifyLedger,
} from '../../../src/ledger/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { entries, newSigner, settingsFor, uuidOf, writeLedger } from '../written-ledger.ts';
import { verify } from './tampering.ts';

const FIRST = 'segments/00000000000000000000.jsonl';
const ADA = { actor: 'ada', system_user: 'ada' };

/** A ledger in which three vCons have a record that was made with their key, perhaps still open. */
async function keyed(open = false) {
  const directory = temporaryFolder();
  const signer = newSigner();
  const notice = vi.fn();
  const settings = settingsFor(directory, signer, { notice });
  const keys = new KeyStore(directory);
  const ledger = openLedger(settings);
  for (const run of [0, 1, 2]) {
    const made = await keys.keyed(uuidOf(run), 'the document');
    const entry = entries(1, run * 8)[0] as Extract<LedgerEntry, { run_id: string }>;
    const { hash: content_hash = null, commitment } = made ?? {};
    const said = { content_hash, hash_algorithm: 'sha256', content_binding: 'hmac' } as const;
    await ledger.append({ ...entry, ...said, ...(commitment && { key_commitment: commitment }) });
  }
  if (!open) await ledger.close();
  const verify = () =>
    verifyLedger({ directory, verifiers: [parseVerifierKey(signer.vkey)], withKeys: true });
  const records = () =>
    readFileSync(join(directory, FIRST), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { directory, signer, notice, settings, keys, ledger, verify, records };
}

/** The files of the keys, and of the marks of those that were destroyed. */
function keyFiles(directory: string): string[] {
  return readdirSync(join(directory, 'keys'), { recursive: true })
    .map((name) => join(directory, 'keys', String(name)))
    .filter((path) => statSync(path).isFile());
}

describe('the keys of vCons', () => {
  test('are those that records were made with', async () => {
    const { verify, records } = await keyed();
    expect(verify()).toMatchObject({ verdict: 'intact', keys: { committed: 3, uncommitted: 0, pending: 0 } });
    const said = records().map(({ key_commitment }) => key_commitment);
    expect(new Set(said).size).toBe(3);
  });

  test('cannot be deleted, or replaced, without a record of it', async () => {
    const { directory, verify } = await keyed();
    const [file = ''] = keyFiles(directory);
    const key = readFileSync(file);
    for (const change of [() => rmSync(file), () => writeFileSync(file, Buffer.alloc(32, 7))]) {
      change();
      expect(verify()).toMatchObject({
        verdict: 'key_lost',
        fault: { file: FIRST, reason: expect.stringMatching(/missing, or is another now, .* destroyed$/) },
      });
      writeFileSync(file, key);
    }
    rmSync(join(directory, 'keys'), { recursive: true });
    expect(verify()).toMatchObject({
      verdict: 'key_lost',
      fault: { seq: 0, reason: expect.stringMatching(/2 vCons more$/) },
    });
  });

  test('may be missing once their destruction is recorded, or is to be, and then may not come back', async () => {
    const { directory, settings, keys, verify } = await keyed();
    const before = new Map(keyFiles(directory).map((path) => [path, readFileSync(path)]));
    keys.destroy(uuidOf(1));
    expect(verify()).toMatchObject({ verdict: 'key_lost', fault: { seq: 1 } });
    leaveRequest(directory, { ...ADA, event: 'vcon_key_destroyed', vcon_uuid: uuidOf(1) });
    expect(verify()).toMatchObject({ verdict: 'intact', keys: { pending: 1 } });
    await openLedger(settings).close();
    expect(verify()).toMatchObject({ verdict: 'intact', keys: { pending: 0 } });
    for (const [path, key] of before) writeFileSync(path, key);
    expect(verify()).toMatchObject({ verdict: 'key_lost', fault: { seq: 3 } });
  });

  test('are in a bundle only where they are those of its records', async () => {
    const { directory, signer, keys } = await keyed();
    const verifiers = [parseVerifierKey(signer.vkey)];
    const check = (key: Buffer | undefined) =>
      checkProof(JSON.stringify(proveVcon(directory, uuidOf(0), key)), verifiers, 'the document');
    expect(check(await keys.read(uuidOf(0)))).toMatchObject({ verdict: 'proven', content: [0] });
    expect(check(await keys.read(uuidOf(1)))).toMatchObject({ verdict: 'refused', seq: 0 });
  });
});

describe('the destruction of a key', () => {
  test('is recorded when the ledger hears of it, and only once the key is gone', async () => {
    const { directory, ledger, keys, records } = await keyed(true);
    // As of a command that was killed before it came to the key, years ago.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2020, 0, 1) });
    leaveRequest(directory, { ...ADA, event: 'vcon_key_destroyed', vcon_uuid: uuidOf(2) });
    vi.useRealTimers();
    expect(keys.commitment(uuidOf(2))).toBeDefined();
    await ledger.close();
    expect(keys.commitment(uuidOf(2))).toBeUndefined();
    const { event, vcon_uuid, timestamp } = records()[3] ?? {};
    expect([event, vcon_uuid]).toEqual(['vcon_key_destroyed', uuidOf(2)]);
    expect(Date.parse(String(timestamp))).toBeGreaterThan(Date.UTC(2026, 0, 1));
  });

  test.each(['shredded', 'requests'])('that somebody has claimed by a file in %s/ is not', async (folder) => {
    const { directory, ledger, keys, notice, records } = await keyed(true);
    leaveRequest(directory, { ...ADA, event: 'ledger_exported', format: 'cef' });
    mkdirSync(join(directory, folder), { recursive: true });
    const text =
      folder === 'shredded'
        ? uuidOf(0)
        : JSON.stringify({ ...ADA, event: 'vcon_key_destroyed', vcon_uuid: uuidOf(0) });
    const digest = createHash('sha256').update(text).digest('hex');
    writeFileSync(join(directory, folder, `1500000000000-${digest}`), text);
    await ledger.close();
    expect(records().map(({ event }) => event)).toEqual([
      ...['chain_start', 'chain_start', 'chain_start', 'ledger_exported'],
    ]);
    expect(keys.commitment(uuidOf(0))).toBeDefined();
    expect(notice).toHaveBeenCalledWith('strange', expect.stringContaining('1 files'));
  });
});

test('what a command has left is late after an hour, and is told of', async () => {
  const directory = join(temporaryFolder(), 'ledger');
  const signer = newSigner();
  await writeLedger(directory, signer, 8);
  const left = () => verify(directory, signer).lateRequests;
  leaveRequest(directory, { event: 'ledger_exported', format: 'cef', actor: 'A. Reader' });
  expect(left()).toBe(0);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_700_000 });
  onTestFinished(() => void vi.useRealTimers());
  expect(left()).toBe(1);
});
