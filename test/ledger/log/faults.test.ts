import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { type LedgerSettings, openLedger, readHeads } from '../../../src/ledger/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { verify } from '../verify/tampering.ts';
import { entries, newSigner, settingsFor, writeLedger } from '../written-ledger.ts';

const FIRST = 'segments/00000000000000000000.jsonl';
const ROLLED_BACK = expect.objectContaining({ code: 'LEDGER_ROLLED_BACK' });

/** A ledger of 20 records with an anchor, and a copy of it as it was when it had ten. */
async function anchored(segments: Pick<LedgerSettings, 'segmentBytes'> = {}) {
  const [directory, copy] = [temporaryFolder(), join(temporaryFolder(), 'copy')];
  const signer = newSigner();
  const notice = vi.fn();
  const more = { anchor: join(temporaryFolder(), 'anchor'), notice, ...segments };
  await writeLedger(directory, signer, 10, more);
  cpSync(directory, copy, { recursive: true });
  await writeLedger(directory, signer, 20, more);
  return { directory, copy, signer, notice, more, settings: settingsFor(directory, signer, more) };
}

const anchorOf = ({ more }: { more: { anchor: string } }) => readFileSync(more.anchor, 'utf8');

describe('a ledger that has not grown from what its anchor has', () => {
  test('is not opened: an older copy of the whole directory was put back', async () => {
    const of = await anchored();
    const before = anchorOf(of);
    rmSync(of.directory, { recursive: true });
    cpSync(of.copy, of.directory, { recursive: true });
    expect(() => openLedger(of.settings)).toThrow(ROLLED_BACK);
    expect(() => openLedger(of.settings)).toThrow(/checkpoint of 20 records, of which 10 are here/);
    expect(anchorOf(of)).toBe(before);
    expect(readHeads(readFileSync(join(of.directory, 'checkpoints'), 'utf8')).at(-1)?.size).toBe(10);
  });

  test('is not opened: everything is gone', async () => {
    const of = await anchored();
    for (const name of ['segments', 'checkpoint', 'checkpoints', 'tile'])
      rmSync(join(of.directory, name), { recursive: true });
    expect(() => openLedger(of.settings)).toThrow(ROLLED_BACK);
  });

  test.each([
    ['in the segment that is written', {}],
    ['in one before it', { segmentBytes: 2_000 }],
  ])('is not opened: other records stand in place of those %s', async (_where, segments) => {
    const of = await anchored(segments);
    rmSync(of.directory, { recursive: true });
    // The key is the same, the times are others.
    for (const upTo of [12, 24, 30]) await writeLedger(of.directory, of.signer, upTo, segments);
    expect(verify(of.directory, of.signer).verdict).toBe('intact');
    expect(() => openLedger(of.settings)).toThrow(/first 20 records are not those/);
  });

  test('signs and records nothing more: a copy has gone on elsewhere', async () => {
    const of = await anchored();
    const ledger = openLedger(of.settings);
    await writeLedger(of.copy, of.signer, 30, { anchor: join(temporaryFolder(), 'unanchored') });
    const fork = readFileSync(join(of.copy, 'checkpoint'), 'utf8');
    writeFileSync(of.more.anchor, fork, { flag: 'a' });
    const before = readFileSync(join(of.directory, 'checkpoints'), 'utf8');
    const [one, two] = entries(2, 20);
    if (!one || !two) throw new Error('no entries');
    await ledger.append(one);
    await expect(ledger.tend()).rejects.toEqual(ROLLED_BACK);
    await expect(ledger.append(two)).rejects.toEqual(ROLLED_BACK);
    expect(ledger.fault).toEqual(ROLLED_BACK);
    await ledger.close();
    expect(anchorOf(of).endsWith(fork)).toBe(true);
    expect(readFileSync(join(of.directory, 'checkpoints'), 'utf8')).toBe(before);
    expect(of.notice.mock.calls.filter(([about]) => about === 'fault')).toHaveLength(1);
  });

  test('is opened if it has: with an anchor that others write to as well, and cosign', async () => {
    const of = await anchored();
    const other = newSigner('ledger.example/other');
    const elsewhere = join(temporaryFolder(), 'other');
    await writeLedger(elsewhere, other, 40, { anchor: of.more.anchor });
    writeFileSync(of.more.anchor, `${anchorOf(of)}— witness.example AAAAAAECAwQ=\nledger.exam`);
    await openLedger(of.settings).close();
  });

  test('an anchor that cannot be read is told', async () => {
    const of = await anchored();
    const anchor = temporaryFolder();
    await openLedger({ ...of.settings, anchor }).close();
    expect(of.notice).toHaveBeenCalledWith('anchor', expect.stringContaining('is a folder'));
  });
});

describe('while it is open', () => {
  test('records that were cut off its end are noticed, by the next record and without one', async () => {
    for (const act of ['append', 'tend'] as const) {
      const directory = temporaryFolder();
      const notice = vi.fn();
      const ledger = openLedger(settingsFor(directory, newSigner(), { notice }));
      await Promise.all(entries(10).map((entry) => ledger.append(entry)));
      truncateSync(join(directory, FIRST), 1_000);
      const [next] = entries(1, 10);
      if (!next) throw new Error('no entry');
      const done = act === 'append' ? ledger.append(next) : ledger.tend();
      await expect(done).rejects.toMatchObject({ code: 'LEDGER_DAMAGED' });
      expect(notice).toHaveBeenCalledWith('fault', expect.stringContaining('was cut off while it was open'));
      await ledger.close();
      expect(readFileSync(join(directory, FIRST))).toHaveLength(1_000);
    }
  });

  test.each(['removed', 'replaced'])(
    'a lock that was %s ends its writing: a second writer loses nothing that was acknowledged',
    async (how) => {
      const directory = temporaryFolder();
      const signer = newSigner();
      const ledger = openLedger(settingsFor(directory, signer));
      await Promise.all(entries(10).map((entry) => ledger.append(entry)));
      rmSync(join(directory, 'lock'));
      if (how === 'replaced') writeFileSync(join(directory, 'lock'), '');
      const second = openLedger(settingsFor(directory, signer));
      const [one, two] = entries(2, 10);
      if (!one || !two) throw new Error('no entries');
      await second.append(one);
      await expect(ledger.append(two)).rejects.toMatchObject({ code: 'LEDGER_IN_USE' });
      await ledger.close();
      await second.append(two);
      await second.close();
      expect(verify(directory, signer)).toMatchObject({ verdict: 'intact', size: 12, signed: 12 });
    },
  );

  test('what a second writer has put behind its end is cut off, and nothing acknowledged with it', async () => {
    const directory = temporaryFolder();
    const signer = newSigner();
    const ledger = openLedger(settingsFor(directory, signer));
    const [one, two, three] = entries(3);
    if (!one || !two || !three) throw new Error('no entries');
    await ledger.append(one);
    writeFileSync(join(directory, FIRST), `${'x'.repeat(5_000)}\n`, { flag: 'a' });
    await expect(ledger.append(two)).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
    await ledger.append(two);
    await ledger.append(three);
    await ledger.close();
    expect(verify(directory, signer)).toMatchObject({ verdict: 'intact', size: 3 });
  });
});

test('signatures of others beside that of the ledger are no tampering, and the ledger keeps them', async () => {
  const directory = temporaryFolder();
  const signer = newSigner();
  await writeLedger(directory, signer, 10);
  const cosigned = `${readFileSync(join(directory, 'checkpoint'), 'utf8')}— witness.example AAAAAAECAwQ=\n`;
  writeFileSync(join(directory, 'checkpoint'), cosigned);
  expect(verify(directory, signer).verdict).toBe('intact');
  await openLedger(settingsFor(directory, signer)).close();
  expect(readFileSync(join(directory, 'checkpoint'), 'utf8')).toBe(cosigned);
  // The history may have them, too.
  writeFileSync(join(directory, 'checkpoints'), cosigned);
  expect(verify(directory, signer)).toMatchObject({ verdict: 'intact', checkpoints: 1 });
  await writeLedger(directory, signer, 20);
  expect(verify(directory, signer)).toMatchObject({ verdict: 'intact', checkpoints: 2, size: 20 });
  // That of a witness alone is none of the ledger's.
  const alone = cosigned.replace(/\n\n— ledger[^\n]*/, '\n');
  writeFileSync(join(directory, 'checkpoint'), alone);
  expect(verify(directory, signer)).toMatchObject({
    verdict: 'bad_signature',
    fault: { file: 'checkpoint' },
  });
});
