import { cpSync, existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  generateKey,
  ledgerSigner,
  openLedger,
  parseVerifierKey,
  readHeads,
  rotateKey,
  rotationsIn,
  type Signer,
  signerOf,
  verifierBeside,
  verifyLedger,
} from '../../../src/ledger/index.ts';
import { leaveRequest } from '../../../src/ledger/log/requests.ts';
import { openCheckpoint, signCheckpoint } from '../../../src/ledger/proof/checkpoint.ts';
import { notesOf } from '../../../src/ledger/proof/checkpoint-history.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { entries, ORIGIN, settingsFor } from '../written-ledger.ts';

const ORDER = {
  event: 'key_rotation_ordered',
  actor: 'A. Reader',
  system_user: 'audit',
  reason: 'yearly change',
  keep_former: false,
} as const;

/** A ledger with its key beside it, closed. */
async function ledger(records = 20) {
  const directory = join(temporaryFolder(), 'ledger');
  await append(directory, records);
  return { directory, first: vkeyOf(directory) };
}

async function append(directory: string, records: number, from = 0) {
  settingsFor(directory, signerOf(ORIGIN, generateKey()));
  const open = openLedger(settingsFor(directory, ledgerSigner(directory, ORIGIN).signer));
  await Promise.all(entries(records, from).map((entry) => open.append(entry)));
  await open.close();
}

const vkeyOf = (directory: string) => readFileSync(join(directory, 'ledger.vkey'), 'utf8').trim();
const rotate = (directory: string, more: Partial<Parameters<typeof rotateKey>[1]> = {}) =>
  rotateKey(directory, { ...ORDER, ...more }, () => {});
const verify = (directory: string, ...vkeys: string[]) =>
  verifyLedger({ directory, verifiers: vkeys.map(parseVerifierKey), mustBeSigned: true });
const idOf = (vkey: string) => vkey.split('+')[1];
const reasonOf = (directory: string, ...vkeys: string[]) => {
  const { verdict, fault } = verify(directory, ...vkeys);
  return [verdict, fault?.seq, fault?.reason];
};

describe('a key that was changed', () => {
  test('is followed from the old one, and back from the new one', async () => {
    const { directory, first } = await ledger();
    const { vkey: second = '', done } = await rotate(directory);
    expect([done, vkeyOf(directory)]).toEqual([true, second]);
    await append(directory, 10, 20);
    const { vkey: third = '' } = await rotate(directory);
    await append(directory, 10, 30);
    expect(new Set([first, second, third]).size).toBe(3);
    for (const key of [first, second, third]) {
      const { verdict, size, keyChanges } = verify(directory, key);
      expect([verdict, size]).toEqual(['intact', 42]);
      expect(keyChanges.map(({ seq, former, next }) => [seq, former.id, next.id])).toEqual([
        [20, idOf(first), idOf(second)],
        [31, idOf(second), idOf(third)],
      ]);
    }
    expect(verifyLedger({ directory, verifiers: verifierBeside(directory) }).verdict).toBe('intact');
    const lines = readFileSync(join(directory, 'segments/00000000000000000000.jsonl'), 'utf8').split('\n');
    expect(JSON.parse(lines[20] ?? '')).toMatchObject({
      event: 'key_rotated',
      actor: 'A. Reader',
      system_user: 'audit',
      reason: 'yearly change',
      former_key: first,
      verifier_key: second,
      former_private_key: 'removed',
    });
    expect(reasonOf(directory, signerOf(ORIGIN, generateKey()).vkey)[0]).toBe('unknown_key');
  });

  test('leaves no private key of before, unless it is to be kept', async () => {
    const { directory, first } = await ledger();
    const former = readFileSync(join(directory, 'signing-key.pem'), 'utf8');
    const { vkey = '' } = await rotate(directory, { keep_former: true });
    const kept = join(directory, `signing-key.${idOf(first)}.pem`);
    expect(readFileSync(kept, 'utf8')).toBe(former);
    rmSync(kept);
    await rotate(directory);
    const pems = readdirSync(directory).filter((name) => name.endsWith('.pem'));
    expect(pems).toEqual(['signing-key.pem']);
    const [now] = pems.map((name) => signerOf(ORIGIN, readFileSync(join(directory, name), 'utf8')).vkey);
    expect([now === vkey, now === vkeyOf(directory)]).toEqual([false, true]);
  });

  test('is changed by the service that has the ledger open, in its anchor, too', async () => {
    const { directory, first } = await ledger();
    const anchor = join(temporaryFolder(), 'anchor');
    const { signer } = ledgerSigner(directory);
    const open = openLedger(settingsFor(directory, signer, { anchor }));
    await open.append(entries(1, 20)[0] as never);
    await open.tend();
    const { done } = await rotate(directory);
    expect([done, vkeyOf(directory)]).toEqual([false, first]);
    await open.tend();
    expect(vkeyOf(directory)).not.toBe(first);
    expect(open.standing.key).toBe(vkeyOf(directory));
    await open.append(entries(1, 21)[0] as never);
    await open.tend();
    await open.append(entries(1, 22)[0] as never);
    await open.close();
    const verifiers = [parseVerifierKey(first)];
    const since = readHeads(readFileSync(anchor, 'utf8'));
    expect(since.length).toBe(4);
    expect(verifyLedger({ directory, verifiers, since })).toMatchObject({ verdict: 'intact', agreed: 24 });
    // Both the checkpoints of the former key and those of the new one are its own.
    await openLedger(settingsFor(directory, ledgerSigner(directory).signer, { anchor })).close();
  });

  test('can be in a file elsewhere, and is found there though the configuration names the former', async () => {
    const directory = join(temporaryFolder(), 'ledger');
    const secrets = temporaryFolder();
    const [old, fresh] = ['old.pem', 'fresh.pem'].map((name) => join(secrets, name)) as [string, string];
    for (const file of [old, fresh]) writeFileSync(file, generateKey());
    settingsFor(directory, signerOf(ORIGIN, generateKey()));
    const open = (file: string, notice = (_about: string, _text: string) => {}) => {
      const { signer, isElsewhere } = ledgerSigner(directory, ORIGIN, file);
      return { isElsewhere, ledger: openLedger(settingsFor(directory, signer, { keyFile: file, notice })) };
    };
    const { ledger: running } = open(old);
    await running.append(entries(1)[0] as never);
    await running.tend();
    // Not to be made on the ledger's own disk.
    await expect(rotate(directory)).rejects.toThrow(/not beside the ledger/);
    expect((await rotate(directory, { key_file: fresh })).done).toBe(false);
    await running.close();
    expect(vkeyOf(directory)).toBe(signerOf(ORIGIN, readFileSync(fresh, 'utf8')).vkey);
    expect(realpathSync(join(directory, 'signing-key.pem'))).toBe(realpathSync(fresh));
    expect(existsSync(old)).toBe(true);
    for (const [file, isElsewhere] of [
      [old, true],
      [fresh, false],
    ] as const) {
      const again = open(file);
      expect(again.isElsewhere).toBe(isElsewhere);
      await again.ledger.close();
    }
    rmSync(fresh);
    expect(() => ledgerSigner(directory, ORIGIN, old)).toThrow(/put that one back, or name its file/);
  });

  test('is not one that somebody without a private key has brought along', async () => {
    const directory = join(temporaryFolder(), 'ledger');
    const secrets = temporaryFolder();
    const [old, forged] = [join(secrets, 'old.pem'), join(directory, 'forged.pem')];
    writeFileSync(old, generateKey());
    const told: string[] = [];
    const settings = settingsFor(directory, signerOf(ORIGIN, readFileSync(old, 'utf8')), {
      keyFile: old,
      notice: (_about, text) => told.push(text),
    });
    writeFileSync(forged, generateKey());
    const running = openLedger(settings);
    await running.append(entries(1)[0] as never);
    leaveRequest(directory, { ...ORDER, key_file: forged });
    leaveRequest(directory, { ...ORDER, key_file: join(secrets, 'missing.pem') });
    leaveRequest(directory, ORDER);
    leaveRequest(directory, { ...ORDER, key_file: old });
    await running.tend();
    await running.close();
    expect(rotationsIn(directory)).toEqual([]);
    expect(verify(directory, settings.signer.vkey)).toMatchObject({ verdict: 'intact', size: 1 });
    const said = told.join('\n');
    for (const text of ['in the same folder', 'cannot be read (ENOENT)', 'not beside the ledger', 'very key'])
      expect(said).toContain(text);
  });
});

describe('what somebody may make of a change of keys', () => {
  test('written with the new key alone is found', async () => {
    const { directory, first } = await ledger();
    const forger = signerOf(ORIGIN, generateKey());
    const forged = join(temporaryFolder(), 'forged');
    cpSync(directory, forged, { recursive: true });
    // Whoever has not the former key writes the record, and signs everything with their own.
    for (const name of ['checkpoint', 'checkpoints', 'signing-key.pem', 'ledger.vkey'])
      rmSync(join(forged, name));
    const open = openLedger(settingsFor(forged, forger));
    await open.append({
      record_id: 'operator/1',
      timestamp: '2026-03-01T12:00:00.000Z',
      retention_policy: '7_years',
      event: 'key_rotated',
      actor: 'ledger',
      reason: 'x',
      former_key: first,
      verifier_key: forger.vkey,
      former_private_key: 'removed',
    });
    await open.close();
    const own = readFileSync(join(forged, 'checkpoint'), 'utf8');
    const byOther = [20, expect.stringContaining('key before it has not signed that')];
    expect(reasonOf(forged, forger.vkey)).toEqual(['bad_signature', ...byOther]);
    expect(reasonOf(forged, first)[0]).toBe('unknown_key');
    // With the history of before, too.
    writeFileSync(join(forged, 'checkpoints'), readFileSync(join(directory, 'checkpoints'), 'utf8') + own);
    expect(reasonOf(forged, first)).toEqual(['bad_signature', ...byOther]);
    expect(reasonOf(forged, forger.vkey)[0]).toBe('unknown_key');
  });

  test('is found where there is no record of it, even if both keys are trusted', async () => {
    const { directory, first } = await ledger();
    const other = signerOf(ORIGIN, generateKey());
    await append(directory, 5, 20);
    const [before = '', last = ''] = notesOf(readFileSync(join(directory, 'checkpoints'), 'utf8'));
    const opened = openCheckpoint(last, []);
    const note = 'head' in opened ? signCheckpoint(opened.head, other) : '';
    writeFileSync(join(directory, 'checkpoints'), before + note);
    writeFileSync(join(directory, 'checkpoint'), note);
    expect(reasonOf(directory, first)[0]).toBe('unknown_key');
    expect(reasonOf(directory, first, other.vkey)).toEqual([
      'unknown_key',
      undefined,
      expect.stringContaining('no record changes the one for the other'),
    ]);
  });

  test('the former key signs no more: its signature alone does not count', async () => {
    const { directory, first } = await ledger();
    const stolen = signerOf(ORIGIN, readFileSync(join(directory, 'signing-key.pem'), 'utf8'));
    const { vkey = '' } = await rotate(directory);
    await append(directory, 5, 20);
    const history = readFileSync(join(directory, 'checkpoints'), 'utf8');
    const [before = '', changed = '', last = ''] = notesOf(history);
    const signedBy = (note: string, signer: Signer) => {
      const opened = openCheckpoint(note, []);
      return 'head' in opened ? signCheckpoint(opened.head, signer) : '';
    };
    const write = (...notes: string[]) => {
      writeFileSync(join(directory, 'checkpoints'), notes.join(''));
      writeFileSync(join(directory, 'checkpoint'), notes.at(-1) ?? '');
    };
    write(before, changed, signedBy(last, stolen));
    for (const key of [first, vkey])
      expect(reasonOf(directory, key)).toEqual([
        'bad_signature',
        undefined,
        expect.stringMatching(/of 26 records is signed by the key \w{8} alone, which record 20 has changed/),
      ]);
    // Nor where what proves the change is taken away, and whatever else they sign.
    const rotations = readFileSync(join(directory, 'rotations'));
    rmSync(join(directory, 'rotations'));
    expect(reasonOf(directory, first)).toEqual([
      'unknown_key',
      20,
      expect.stringContaining('missing in rotations'),
    ]);
    write(before, signedBy(changed, stolen), signedBy(last, stolen));
    expect(reasonOf(directory, first)).toEqual([
      'bad_signature',
      20,
      expect.stringContaining('new key has not'),
    ]);
    expect(() => openLedger(settingsFor(directory, stolen))).toThrow(/both private keys must be where/);
    // And the key that came later has signed nothing of before.
    writeFileSync(join(directory, 'rotations'), rotations);
    write(signedBy(before, ledgerSigner(directory).signer), changed, last);
    expect(reasonOf(directory, vkey)).toEqual([
      'bad_signature',
      undefined,
      expect.stringMatching(
        /of 20 records is signed by the key \w{8} alone, which was not the key of the ledger yet/,
      ),
    ]);
    write(before, changed, last);
    expect(verify(directory, first).verdict).toBe('intact');
  });
});
