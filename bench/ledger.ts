/**
 * The ledger of the compliance tracer: records made durable many at a time and one by one, the whole of it verified, and
 * the proof that a record stands in it. A ledger of 1,000,000 clean records, or as many as there is time for, is to verify without a
 * single alarm.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  checkProof,
  generateKey,
  type LedgerEntry,
  openLedger,
  parseVerifierKey,
  proofOf,
  proveVcon,
  readHeads,
  signerOf,
  TileReader,
  verifyLedger,
} from '../src/ledger/index.ts';
import { describeDisk, ownFolder } from './disk.ts';
import { grouped, median, printTable, quantile, SHORT, uuidOf } from './measure.ts';

const RECORDS = SHORT ? 4_000 : 1_000_000;
const BESIDE = SHORT ? 2_000 : 100_000;
const ALONE = SHORT ? 50 : 5_000;
const PROOFS = SHORT ? 50 : 2_000;
/** Milliseconds for each way of appending: on a machine that is busy with something else there are fewer records then. */
const LIMIT = 120_000;
/** As many as the bridge has under way, and as many as a ledger lets wait with room to spare. */
const [BRIDGE, MANY] = [256, 4_096];
/** Records of one run: a chain of two links and a storage. */
const EVENTS = [
  'chain_start',
  'link_start',
  'link_complete',
  'link_start',
  'link_complete',
  'storage_start',
  'storage_complete',
  'chain_complete',
] as const;

const folder = ownFolder();
const signer = signerOf('ledger.example/bench', generateKey());

console.log(`\n${describeDisk()}`);
const large = join(folder, 'large');
const rates = [
  ['', 'records', 'records/s', 'CPU µs', 'p50', 'p99'],
  await appended(`${grouped(MANY)} at a time`, large, RECORDS, MANY),
  await appended(`${BRIDGE} at a time, as the bridge calls`, join(folder, 'bridge'), BESIDE, BRIDGE),
  await appended('one by one', join(folder, 'alone'), ALONE, 1),
];
printTable('Records appended, each on the disk before it is acknowledged', rates);
const read = ['', 'records', 'records/s', 'CPU µs', 'took'];
printTable('A ledger read', [read, await opened(large), verified(large)]);
const [head] = readHeads(readFileSync(join(large, 'checkpoint'), 'utf8'));
const written = head?.size ?? 0;
printTable(`The inclusion proof of a record in a ledger of ${grouped(written)}`, [
  ['', 'p50', 'p99'],
  ...proofs(large, written),
]);

async function appended(name: string, directory: string, most: number, atOnce: number): Promise<string[]> {
  const ledger = open(directory);
  const waits: number[] = [];
  let next = 0;
  const end = performance.now() + LIMIT;
  const caller = async () => {
    while (next < most && performance.now() < end) {
      const entry = entryAt(next++);
      const began = performance.now();
      await ledger.append(entry);
      waits.push(performance.now() - began);
    }
  };
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  await Promise.all(Array.from({ length: atOnce }, caller));
  const records = next;
  const rate = records / ((performance.now() - began) / 1e3);
  const each = cpuOf(records, cpu);
  await ledger.close();
  return [name, grouped(records), grouped(rate), each, ms(median(waits)), ms(quantile(waits, 0.99))];
}

async function opened(directory: string): Promise<string[]> {
  const began = performance.now();
  const ledger = open(directory);
  const took = performance.now() - began;
  await ledger.close();
  return ['opened: the last segment, and the ids before it', '', '', '', ms(took)];
}

function verified(directory: string): string[] {
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const { verdict, size, completeness } = verifyLedger({
    directory,
    verifiers: [parseVerifierKey(signer.vkey)],
  });
  const took = performance.now() - began;
  // Without what was under way when the time was up.
  const { unfinishedSteps, endsWithoutStart } = completeness;
  if (verdict !== 'intact' || size === 0 || unfinishedSteps + endsWithoutStart > 0)
    throw new Error(`a clean ledger of ${size} records is ${verdict}`);
  const rate = grouped(size / (took / 1e3));
  return ['verified: no alarm', grouped(size), rate, cpuOf(size, cpu), `${(took / 1e3).toFixed(1)} s`];
}

/** Processor time for each record, of all threads: steady where the machine is not. */
function cpuOf(records: number, before: NodeJS.CpuUsage): string {
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / records).toFixed(1);
}

/** Each record at random, with no tile read before, and with those that were read for the proofs before it. */
function proofs(directory: string, records: number): string[][] {
  const kept = new TileReader(directory, records);
  const made = (reader: () => TileReader) =>
    Array.from({ length: PROOFS }, () => {
      const index = Math.floor(Math.random() * records);
      const began = performance.now();
      proofOf(reader(), index);
      return performance.now() - began;
    });
  const runs = Math.floor(records / EVENTS.length);
  const checked = [0, runs >> 1, runs - 1].map((run) => {
    const bundle = proveVcon(directory, uuidOf(run));
    return checkProof(JSON.stringify(bundle), [parseVerifierKey(signer.vkey)]).verdict;
  });
  if (checked.some((verdict) => verdict !== 'proven')) throw new Error('a proof does not hold');
  return [
    row(
      'made, every tile read anew',
      made(() => new TileReader(directory, records)),
    ),
    row(
      'made, tiles kept',
      made(() => kept),
    ),
  ];
}

function row(name: string, times: readonly number[]): string[] {
  return [name, ms(median(times)), ms(quantile(times, 0.99))];
}

function open(directory: string) {
  mkdirSync(directory, { recursive: true });
  return openLedger({
    directory,
    signer,
    checkpoint: { every: 1_000, interval: 60_000 },
    retention: { policy: '7_years', period: 7 * 365 * 86_400_000 },
    notice: (_about, text) => console.error(text),
  });
}

function entryAt(index: number): LedgerEntry {
  const run = Math.floor(index / EVENTS.length);
  const event = EVENTS[index % EVENTS.length] ?? 'chain_start';
  const run_id = run.toString(16).padStart(16, '0');
  const place = Math.floor(((index % EVENTS.length) - 1) / 2);
  const isChain = event.startsWith('chain');
  const phase = event.slice(event.indexOf('_') + 1);
  return {
    record_id: `${run_id}/${isChain ? 'chain' : `link/${place}`}/${phase}`,
    vcon_uuid: uuidOf(run),
    event,
    timestamp: new Date(1_772_366_400_000 + index).toISOString(),
    retention_policy: '7_years',
    actor: 'conserver',
    run_id,
    chain: 'main',
    trace_id: run_id + run_id,
    span_id: run_id,
    ...(isChain ? {} : { step: `step-${place}`, step_index: place }),
    ...(phase === 'complete' ? { outcome: isChain ? ('complete' as const) : ('success' as const) } : {}),
  };
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}
