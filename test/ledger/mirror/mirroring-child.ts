import {
  ledgerSigner,
  openLedger,
  openMirror,
  parseVerifierKey,
  verifyLedger,
} from '../../../src/ledger/index.ts';
import { say } from '../../faults/say.ts';
import { entries, settingsFor } from '../written-ledger.ts';

// Keeps a ledger with a mirror, and says how both stand. Appends until SIGTERM, if asked to; then has everything mirrored, and verifies the mirror.

const [directory = '', path = '', appending = ''] = process.argv.slice(2);
const { signer } = ledgerSigner(directory);
const ledger = openLedger(
  settingsFor(directory, signer, {
    checkpoint: { every: 20, interval: 1_000_000 },
    mirror: openMirror({ type: 'directory', path }),
    segmentBytes: 20_000,
    notice: (_about, notice) => say({ notice }),
  }),
);
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const standing = () => {
  const { records = 0, seconds = 0 } = ledger.standing.mirror ?? {};
  say({ size: ledger.size, records, seconds });
  return records === 0 && seconds === 0;
};

let isAsked = appending === '';
process.on('SIGTERM', () => {
  isAsked = true;
});
while (!isAsked) {
  await Promise.all(entries(20, ledger.size).map((entry) => ledger.append(entry)));
  standing();
  await pause(20);
}
await ledger.tend();
while (!standing()) await pause(1);
await ledger.close();
const verifiers = [parseVerifierKey(signer.vkey)];
const { verdict, size } = verifyLedger({ directory: path, verifiers, mustBeSigned: true });
say({ verdict, size: ledger.size, mirrored: size });
