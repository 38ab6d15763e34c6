import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashAlgorithms } from '../../../src/ledger/hash-algorithm.ts';
import {
  LedgerRecord,
  NO_HASH,
  parseChained,
  parseLine,
  recordLine,
} from '../../../src/ledger/log/record.ts';
import { isUsualLine, usualFields } from '../../../src/ledger/log/usual-line.ts';
import { runs } from '../../support/search.ts';
import { entries } from '../written-ledger.ts';

const [first] = entries(1);
const RECORD = { ...first, seq: 0, prev_hash: NO_HASH, recorded_at: '2026-03-01T12:00:00.000Z' } as Extract<
  LedgerRecord,
  { readonly run_id: string }
>;
const FULL = {
  ...RECORD,
  content_binding: 'hmac',
  content_hash: 'ab'.repeat(32),
  content_missing: 'not_found',
  content_observed: 'at_event',
  error_type: 'TypeError',
  event: 'link_error',
  hash_algorithm: 'sha3_256',
  in_vcon_uuid: 'before',
  inferred: ['links', 'vcon_uuid'],
  key_commitment: 'cd'.repeat(32),
  lifecycle: 'vcon_created',
  outcome: 'error',
  sender: 'south.2_a-b',
  step: 'transcribe',
  step_index: 3,
} as typeof RECORD;

/** What the schema and the general library say of a line. */
function isRecord(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return LedgerRecord.safeParse(value).success && canonicalize(value) === line;
  } catch {
    return false;
  }
}

const plain = (most: number) =>
  fc.string({ minLength: 1, maxLength: most, unit: fc.constantFrom(...'ab-/ .~[]{}#!,:_0') });
const any = fc.string({ unit: 'binary', maxLength: 40 });
const count = fc.oneof(fc.nat(), fc.maxSafeNat());

/** Parts of a record, right and wrong. */
const changes = fc.record(
  {
    chain: fc.oneof(plain(60), any, fc.constant('x'.repeat(1_025))),
    record_id: fc.oneof(plain(60), any),
    sender: fc.oneof(plain(64), any, fc.constantFrom('north', 'x'.repeat(64), 'x'.repeat(65))),
    error_type: fc.oneof(plain(128), any, fc.constant('x'.repeat(129))),
    retention_policy: fc.oneof(plain(64), any, fc.constant('x'.repeat(65))),
    seq: fc.oneof(count, fc.constantFrom(-1, 0.5, 1e21)),
    step_index: fc.oneof(count, fc.constantFrom(-1, 0.5)),
    step: fc.option(plain(20), { nil: undefined }),
    inferred: fc.array(fc.oneof(plain(8), any), { maxLength: 40 }),
    content_hash: fc.oneof(
      fc.constant(null),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 28, maxLength: 140 }),
    ),
    key_commitment: fc.constantFrom('0'.repeat(64), '0'.repeat(63), 'A'.repeat(64)),
    hash_algorithm: fc.constantFrom(...hashAlgorithms, 'md4'),
    outcome: fc.constantFrom('complete', 'success', 'halted', 'halt', 'error', 'unknown', 'fine'),
    event: fc.constantFrom('chain_start', 'storage_error', 'chain_lost', 'link_lost', 'records_expired'),
    trace_id: fc.constantFrom('0'.repeat(32), 'A'.repeat(32), '0'.repeat(31)),
    timestamp: fc.constantFrom('2026-03-01T12:00:00.000Z', '2026-03-01T12:00:00Z', '2026-03-01'),
  },
  { requiredKeys: [] },
);

test('a line that is taken at a glance is a record, by its schema and by canonicalize', () => {
  let usual = 0;
  fc.assert(
    fc.property(fc.constantFrom(RECORD, FULL), changes, fc.nat(), fc.nat(), (record, all, one, other) => {
      // Two of them at most, so that the rest is right.
      const some = Object.entries(all).filter(
        (_, i, { length }) => i === one % length || i === other % length,
      );
      const line = canonicalize({ ...record, ...Object.fromEntries(some) }) ?? '';
      if (!isUsualLine(line)) return;
      usual += 1;
      expect(isRecord(line)).toBe(true);
      expect(usualFields(line)).toEqual(chained(JSON.parse(line)));
    }),
    { numRuns: runs(2_000) },
  );
  expect(usual).toBeGreaterThan(0);
});

test('so is one in which anything was changed', () => {
  const lines = [recordLine(RECORD), recordLine(FULL)];
  fc.assert(
    fc.property(
      fc.constantFrom(...lines),
      fc.nat(),
      fc.nat(3),
      fc.string({ maxLength: 3, unit: fc.constantFrom(...'"\\,:{}[]0a\u0000\u007fé') }),
      (line, place, length, put) => {
        const at = place % line.length;
        const changed = line.slice(0, at) + put + line.slice(at + length);
        if (isUsualLine(changed)) expect(isRecord(changed)).toBe(true);
        expect('record' in parseLine(changed)).toBe(isRecord(changed));
        expect('record' in parseChained(changed)).toBe(isRecord(changed));
      },
    ),
    { numRuns: runs(2_000) },
  );
});

test('what a ledger writes of a conserver is taken at a glance', () => {
  const records = entries(40).map((entry, seq) => ({ ...RECORD, ...entry, seq }) as LedgerRecord);
  for (const record of [...records, FULL]) {
    const line = recordLine(record);
    expect(usualFields(line)).toEqual(/^[ -~]+$/.test(line) ? chained(record) : undefined);
  }
});

test('other records are read all the same', () => {
  const expired = {
    record_id: 'x',
    timestamp: RECORD.timestamp,
    retention_policy: '7_years',
    event: 'records_expired',
    actor: 'ledger',
    first_seq: 7,
    seq: 9,
    prev_hash: NO_HASH,
    recorded_at: RECORD.recorded_at,
  } as const;
  expect(usualFields(recordLine(expired))).toBeUndefined();
  expect(parseChained(recordLine(expired))).toEqual({ record: expired });
});

function chained(record: LedgerRecord) {
  const { event, prev_hash, record_id, recorded_at, run_id, seq, vcon_uuid, ...rest } =
    record as typeof RECORD;
  const { content_binding, content_hash, key_commitment } = rest;
  return {
    ...{ content_binding, content_hash: content_hash ?? undefined, event, key_commitment, prev_hash },
    ...{ record_id, recorded_at, run_id, seq, vcon_uuid },
  };
}
