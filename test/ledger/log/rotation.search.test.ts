import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ledgerSigner,
  openLedger,
  parseVerifierKey,
  rotationsIn,
  type Verifier,
  verifyLedger,
} from '../../../src/ledger/index.ts';
import { leaveRequest } from '../../../src/ledger/log/requests.ts';
import { runs } from '../../support/search.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { entries, ORIGIN, settingsFor } from '../written-ledger.ts';

const STEPS = ['append', 'checkpoint', 'order', 'rotate', 'kill', 'restart', 'verify'] as const;

test('whatever is done to a ledger between changes of its key, each of its keys leads to all of it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...STEPS), { maxLength: 25 }), async (steps) => {
      const folder = temporaryFolder();
      let directory = join(folder, '0');
      let count = 0;
      let ordered = 0;
      let [made, done, lives] = [0, 0, 0];
      const keys = new Map<string, Verifier>();
      const open = () => {
        settingsFor(directory, { name: ORIGIN, vkey: '', sign: String });
        const { signer } = ledgerSigner(directory, ORIGIN);
        return openLedger(settingsFor(directory, signer, { segmentBytes: 4_000 }));
      };
      const known = () => {
        const vkey = readFileSync(join(directory, 'ledger.vkey'), 'utf8').trim();
        keys.set(vkey, parseVerifierKey(vkey));
      };
      const order = () => {
        const reason = `change ${made++}`;
        leaveRequest(directory, { event: 'key_rotation_ordered', actor: 'A', reason, keep_former: false });
        ordered += 1;
      };
      const verify = (inUse: boolean) => {
        for (const verifier of keys.values()) {
          const { verdict, size, keyChanges } = verifyLedger({ directory, verifiers: [verifier], inUse });
          expect([verdict, size]).toEqual(['intact', count]);
          if (ordered === 0) expect(keyChanges.length).toBe(done);
        }
      };
      let ledger = open();
      await ledger.tend();
      for (const step of steps) {
        known();
        if (step === 'append') {
          await Promise.all(entries(3, count).map((entry) => ledger.append(entry)));
          count += 3;
        } else if (step === 'order') order();
        else if (step === 'rotate' || step === 'checkpoint') {
          if (step === 'rotate') order();
          await ledger.tend();
        } else if (step === 'verify') verify(true);
        else {
          if (step === 'restart') await ledger.close();
          lives += 1;
          const next = join(folder, String(lives));
          // What is on disk while the process is there no more.
          cpSync(directory, next, { recursive: true });
          if (step === 'kill') await ledger.close();
          directory = next;
          ledger = open();
          await ledger.tend();
        }
        // Whatever was ordered is done once the ledger was seen to.
        if (step !== 'append' && step !== 'order' && step !== 'verify') {
          count = ledger.size;
          done += ordered;
          ordered = 0;
        }
      }
      await ledger.tend();
      await ledger.close();
      count = ledger.size;
      known();
      expect(rotationsIn(directory).length).toBe(made);
      if (count > 0)
        for (const verifier of keys.values())
          expect(verifyLedger({ directory, verifiers: [verifier] })).toMatchObject({
            verdict: 'intact',
            size: count,
          });
    }),
    { numRuns: runs(100) },
  );
}, 600_000);
