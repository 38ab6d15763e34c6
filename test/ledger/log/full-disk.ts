import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ledgerSigner, openLedger } from '../../../src/ledger/index.ts';
import { entries, ORIGIN, settingsFor } from '../written-ledger.ts';

// Run under a limit of the size of files (`prlimit --fsize`), which the system enforces as it does a full disk: it writes
// what fits, then refuses. Prints which records were acknowledged.

const [directory = ''] = process.argv.slice(2);
const settings = settingsFor(directory, ledgerSigner(directory, ORIGIN).signer);
const ledger = openLedger(settings);
const acknowledged: string[] = [];
const append = (from: number, to: number) =>
  Promise.all(
    entries(to - from, from).map((entry) =>
      ledger.append(entry).then(
        () => acknowledged.push(entry.record_id),
        () => undefined,
      ),
    ),
  );
const limit = (size: number | string) =>
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${size}:unlimited`]);

const size = () => statSync(join(directory, 'segments/00000000000000000000.jsonl')).size;
await append(0, 8);
limit(size() + 700);
await append(8, 12);
await append(12, 14);
limit('unlimited');
await append(10, 20);
await ledger.close();
process.stdout.write(JSON.stringify(acknowledged));
