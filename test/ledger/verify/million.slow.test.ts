import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openLedger } from '../../../src/ledger/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { entries, newSigner, settingsFor } from '../written-ledger.ts';

//  Slow, because it writes half a gigabyte.

const LAUNCHER = fileURLToPath(new URL('../../../bin/vcon-otel.js', import.meta.url));
const RECORDS = 1_000_000;
const AT_ONCE = 10_000;
/** MiB: a tenth of what the records take on the disk. */
const HEAP = 48;

test('a ledger of 1,000,000 records is verified in a heap that does not grow with it', async () => {
  const directory = temporaryFolder();
  const signer = newSigner();
  const ledger = openLedger(settingsFor(directory, signer, { checkpoint: { every: 50_000, interval: 1e6 } }));
  for (let from = 0; from < RECORDS; from += AT_ONCE)
    await Promise.all(entries(AT_ONCE, from).map((entry) => ledger.append(entry)));
  await ledger.close();
  const args = [
    'audit',
    'verify',
    directory,
    '--key',
    signer.vkey,
    '--since',
    join(directory, 'checkpoints'),
  ];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`--max-old-space-size=${HEAP}`, LAUNCHER, ...args, '--strict', '--json'],
    { timeout: 1_700_000 },
  );
  expect(JSON.parse(stdout)).toMatchObject({
    verdict: 'intact',
    complete: true,
    size: RECORDS,
    rollback_excluded_to: RECORDS,
  });
});
