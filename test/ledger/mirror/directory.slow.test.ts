import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  compareCopies,
  ledgerSigner,
  openLedger,
  openMirror,
  parseVerifierKey,
  verifyLedger,
} from '../../../src/ledger/index.ts';
import { type Child, startChild } from '../../faults/child.ts';
import { missingSmallDisk, smallDisk } from '../../faults/small-disk.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { entries, ORIGIN, settingsFor } from '../written-ledger.ts';

//  Slow: processes that are killed while they copy, and a disk of its own.

const RECORDS = 1_000;
const KILLS = 10;

interface Said {
  readonly notice?: string;
  readonly size?: number;
  readonly records?: number;
  readonly seconds?: number;
  readonly verdict?: string;
  readonly mirrored?: number;
}

function keep(directory: string, mirror: string, more: { appending?: true; under?: readonly string[] } = {}) {
  const { appending, under = [] } = more;
  const args = [directory, mirror, ...(appending ? ['appending'] : [])];
  const child: Child<Said> = startChild('../ledger/mirror/mirroring-child.ts', args, { under });
  onTestFinished(() => child.kill('SIGKILL'));
  return child;
}

test('a copy that is killed verifies as far as it goes, and is completed', async () => {
  const folder = temporaryFolder();
  const directory = join(folder, 'ledger');
  const { signer } = ledgerSigner(directory, ORIGIN);
  const ledger = openLedger(
    settingsFor(directory, signer, {
      checkpoint: { every: 20, interval: 1_000_000 },
      segmentBytes: 20_000,
    }),
  );
  // A few at a time: each has a checkpoint then.
  for (let from = 0; from < RECORDS; from += 20)
    await Promise.all(entries(20, from).map((entry) => ledger.append(entry)));
  await ledger.close();
  const verifiers = [parseVerifierKey(signer.vkey)];
  let brokenOff = 0;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const mirror = join(folder, `mirror-${kill}`);
    mkdirSync(mirror);
    const killed = keep(directory, mirror);
    const most = RECORDS - Math.floor((RECORDS * kill) / (KILLS + 2));
    const { records = 0 } = await killed.until((said) => said.records !== undefined && said.records <= most);
    killed.kill('SIGKILL');
    expect([kill, (await killed.ended).signal]).toEqual([kill, 'SIGKILL']);
    const left = verifyLedger({ directory: mirror, verifiers, mustBeSigned: true });
    expect([kill, left.verdict]).toEqual([kill, expect.toBeOneOf(['intact', 'torn'])]);
    expect(left.signed).toBeGreaterThanOrEqual(RECORDS - records);
    if (left.signed < RECORDS) brokenOff += 1;
    const after = keep(directory, mirror);
    await after.until((said) => said.verdict !== undefined);
    expect([kill, after.messages.at(-1)]).toEqual([
      kill,
      { verdict: 'intact', size: RECORDS, mirrored: RECORDS },
    ]);
    const place = openMirror({ type: 'directory', path: mirror });
    expect([kill, await compareCopies(directory, place, verifiers)]).toMatchObject([kill, { state: 'same' }]);
    await place.close();
  }
  // The last of them may have had everything by then.
  expect(brokenOff).toBeGreaterThan(KILLS / 2);
});

const MISSING = missingSmallDisk();

test.skipIf(MISSING)(
  `a place that is full, read-only or away holds up nothing, and has everything in the end${MISSING ? ` (skipped: ${MISSING})` : ''}`,
  async () => {
    const folder = temporaryFolder();
    const directory = join(folder, 'ledger');
    ledgerSigner(directory, ORIGIN);
    const disk = await smallDisk(join(folder, 'disk'), '64m');
    const [command = '', ...rest] = disk.under;
    const there = (...args: string[]) => execFileSync(command, [...rest, ...args]);
    const mirror = join(disk.path, 'mirror');
    there('mkdir', mirror);
    const child = keep(directory, mirror, { appending: true, under: disk.under });
    await child.until(({ size = 0 }) => size >= 200);
    for (const [error, begin, end] of [
      ['ENOSPC', () => disk.fill(), () => disk.makeRoom()],
      ['EROFS', () => disk.mountReadOnly(), () => disk.mountWritable()],
      [
        'ENOENT',
        () => there('mv', mirror, join(disk.path, 'away')),
        () => there('mv', join(disk.path, 'away'), mirror),
      ],
    ] as const) {
      begin();
      await child.next(({ notice = '' }) => notice.includes(`cannot be written (${error})`));
      const { size: before = 0 } = await child.next(({ size }) => size !== undefined);
      const later = await child.next(({ size = 0 }) => size >= before + 200);
      expect([error, later.records]).toEqual([error, expect.toSatisfy((lag: number) => lag >= 200)]);
      expect([error, later.seconds]).toEqual([error, expect.toSatisfy((seconds: number) => seconds > 0)]);
      end();
      await child.next(({ notice = '' }) => notice.includes('has everything again'));
    }
    child.kill('SIGTERM');
    const { verdict, size, mirrored } = await child.until((said) => said.verdict !== undefined);
    expect([verdict, mirrored]).toEqual(['intact', size]);
    expect(await child.ended).toMatchObject({ code: 0, stderr: '' });
  },
);
