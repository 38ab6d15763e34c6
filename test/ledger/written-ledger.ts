import { mkdirSync } from 'node:fs';
import type { LedgerEntry } from '../../src/ledger/index.ts';
import {
  generateKey,
  type LedgerSettings,
  openLedger,
  type Signer,
  signerOf,
} from '../../src/ledger/index.ts';

export const ORIGIN = 'ledger.example/test';

export function newSigner(name = ORIGIN): Signer {
  return signerOf(name, generateKey());
}

/** Settings under which nothing happens by itself. */
export function settingsFor(
  directory: string,
  signer: Signer,
  more: Partial<LedgerSettings> = {},
): LedgerSettings {
  mkdirSync(directory, { recursive: true });
  return {
    directory,
    signer,
    checkpoint: { every: 1_000_000, interval: 1_000_000 },
    retention: { policy: '7_years', period: 7 * 365 * 86_400_000 },
    notice: () => {},
    ...more,
  };
}

/** Writes a ledger of so many records, closed. */
export async function writeLedger(
  directory: string,
  signer: Signer,
  records: number,
  more: Partial<LedgerSettings> = {},
) {
  const ledger = openLedger(settingsFor(directory, signer, more));
  await Promise.all(entries(records).map((entry) => ledger.append(entry)));
  await ledger.close();
}

/** The records of runs of a chain of two links and a storage: eight each; the last one may be under way. */
export function entries(count: number, from = 0): LedgerEntry[] {
  return Array.from({ length: count }, (_, i) => entryAt(from + i));
}

const STEPS = [
  { event: 'chain_start', id: 'chain/start' },
  { event: 'link_start', id: 'link/0/start', step: 'transcribe', step_index: 0 },
  { event: 'link_complete', id: 'link/0/complete', step: 'transcribe', step_index: 0, outcome: 'success' },
  { event: 'link_start', id: 'link/1/start', step: 'añalyze "1"', step_index: 1 },
  {
    event: 'link_error',
    id: 'link/1/error',
    step: 'añalyze "1"',
    step_index: 1,
    outcome: 'error',
    error_type: 'TIMEOUT',
  },
  { event: 'storage_start', id: 'storage/s3/start', step: 's3' },
  { event: 'storage_complete', id: 'storage/s3/complete', step: 's3', outcome: 'success' },
  { event: 'chain_error', id: 'chain/error', outcome: 'error', error_type: 'TIMEOUT' },
] as const satisfies readonly (Partial<LedgerEntry> & { id: string })[];

export function uuidOf(run: number): string {
  return `018f0000-0000-8000-8000-${run.toString(16).padStart(12, '0')}`;
}

function entryAt(index: number): LedgerEntry {
  const run = Math.floor(index / STEPS.length);
  const { id, ...step } = STEPS[index % STEPS.length] ?? STEPS[0];
  const run_id = run.toString(16).padStart(16, '0');
  return {
    ...step,
    record_id: `${run_id}/${id}`,
    timestamp: new Date(1_772_366_400_000 + index).toISOString(),
    retention_policy: '7_years',
    actor: 'conserver',
    vcon_uuid: uuidOf(run),
    run_id,
    chain: 'main',
    trace_id: run.toString(16).padStart(32, '0'),
    span_id: index.toString(16).padStart(16, '0'),
  };
}
