import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  ledgerSigner,
  openLedger,
  parseVerifierKey,
  rotationsIn,
  verifyLedger,
} from '../../../src/ledger/index.ts';
import { leaveRequest, openRequests } from '../../../src/ledger/log/requests.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { entries, ORIGIN, settingsFor } from '../written-ledger.ts';

//  Slow, because a process is killed before each change of a file.

test('a change of the key that is killed at any step is finished, or was not begun', async () => {
  const folder = temporaryFolder();
  const base = join(folder, 'base');
  settingsFor(base, ledgerSigner(join(folder, 'other'), ORIGIN).signer);
  const before = openLedger(settingsFor(base, ledgerSigner(base, ORIGIN).signer));
  await Promise.all(entries(20).map((entry) => before.append(entry)));
  await before.close();
  const first = parseVerifierKey(readFileSync(join(base, 'ledger.vkey'), 'utf8').trim());
  leaveRequest(base, {
    event: 'key_rotation_ordered',
    actor: 'A. Reader',
    reason: 'yearly change',
    keep_former: false,
  });
  const directory = join(folder, 'ledger');
  const seen = new Set<string>();
  for (let at = 1; ; at += 1) {
    rmSync(directory, { recursive: true, force: true });
    cpSync(base, directory, { recursive: true });
    const { status, signal, stderr } = spawnSync(
      process.execPath,
      [join(import.meta.dirname, 'killed-at.ts'), directory, String(at)],
      { encoding: 'utf8' },
    );
    if (status === 0) break;
    expect([at, signal, stderr]).toEqual([at, 'SIGKILL', '']);
    const left = verifyLedger({ directory, verifiers: [first], mustBeSigned: true });
    expect([at, left.verdict]).toEqual([at, expect.toBeOneOf(['intact', 'torn'])]);
    const isNext = existsSync(join(directory, 'signing-key.next.pem'));
    seen.add(`${left.verdict} ${left.size} ${rotationsIn(directory).length} ${isNext}`);
    const after = openLedger(settingsFor(directory, ledgerSigner(directory).signer));
    await after.tend();
    for (const entry of entries(1, 20)) await after.append(entry);
    await after.close();
    expect([at, openRequests(directory).requests, rotationsIn(directory).length]).toEqual([at, [], 1]);
    const second = parseVerifierKey(readFileSync(join(directory, 'ledger.vkey'), 'utf8').trim());
    for (const verifier of [first, second]) {
      const { verdict, size } = verifyLedger({ directory, verifiers: [verifier], mustBeSigned: true });
      expect([at, verdict, size]).toEqual([at, 'intact', 22]);
    }
    expect(existsSync(join(directory, 'signing-key.next.pem'))).toBe(false);
  }
  // Every step of a change was the last of some process.
  for (const step of ['intact 20 0 true', 'torn 21 0 true', 'intact 21 1 true', 'intact 21 1 false'])
    expect([...seen]).toContain(step);
}, 900_000);
