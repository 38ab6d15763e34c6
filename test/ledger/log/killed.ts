import { ledgerSigner, openLedger } from '../../../src/ledger/index.ts';
import { entries, ORIGIN, settingsFor } from '../written-ledger.ts';

// Appends until it is killed, and prints how many records were acknowledged.

const [directory = ''] = process.argv.slice(2);
const { signer } = ledgerSigner(directory, ORIGIN);
const checkpoint = { every: 100, interval: 1_000_000 };
const ledger = openLedger(settingsFor(directory, signer, { checkpoint, segmentBytes: 50_000 }));
for (let from = 0; ; from += 20) {
  await Promise.all(entries(20, from).map((entry) => ledger.append(entry)));
  process.stdout.write(`${from + 20}\n`);
}
