/**
 * `node test/ledger/flip-every-byte.ts [STEP]`: flips a bit of every byte of a ledger of 100 records, one at a time, and
 * verifies it each time. Takes minutes, so the tests only do every 97th byte.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newSigner, writeLedger } from '../written-ledger.ts';
import { flipBytes } from './tampering.ts';

const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-flip-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const signer = newSigner();
const directory = join(folder, 'ledger');
await writeLedger(directory, signer, 50);
await writeLedger(directory, signer, 100);
const { flipped, missed } = flipBytes(directory, signer, Number(process.argv[2] ?? 1));
console.log(`${flipped} bytes flipped, one at a time: ${missed.length} not noticed or not named`);
for (const miss of missed.slice(0, 10)) console.log(JSON.stringify(miss));
process.exitCode = missed.length === 0 ? 0 : 1;
