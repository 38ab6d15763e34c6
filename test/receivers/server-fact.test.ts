import { describe, expect, test } from 'vitest';
import { readReport } from '../../src/receivers/forwarded-record.ts';

const ORIGIN = {
  v: 2,
  host: 'worker.test',
  pid: 7,
  boot: '1700000000000000000',
  seq: 1,
  ts: '1700000000000000001',
};
const SPAN = {
  name: 'a',
  chain: 'main',
  span: '1'.repeat(16),
  trace: '2'.repeat(32),
  start: '1700000000000000002',
};
const ENDED = { ...SPAN, end: '1700000000000000003', status: 'UNSET' };

/** Each kind with no field more than a process always knows (docs/facts.md): what is not known is absent, never null. */
const LEAST: readonly (readonly [string, object])[] = [
  ['attach', { process: 'MainProcess', spans: 'none', hooks: {}, extras: {} }],
  ['alive', {}],
  ['detach', {}],
  ['gap', { dropped: 1, reason: 'full' }],
  ['run_start', { chain: 'main', proceed: true }],
  ['span_start', { stage: 'link', ...SPAN }],
  ['span_end', { stage: 'storage', ...ENDED }],
  ['after_link', { link: 'a', status: 'success' }],
  ['tracer', { tracer: 'vcon_otel', index: -1 }],
  ['run_end', {}],
  ['egress', {}],
  ['halt', { link: 'a' }],
  ['storage_call', { storage: 's' }],
  ['storage_return', { storage: 's' }],
];

describe('a fact is read with no field more than its process knew', () => {
  test.each(LEAST)('%s', (kind, fields) => {
    expect(readReport({ ...ORIGIN, kind, ...fields })).toMatchObject({ host: 'worker.test', seq: 1 });
  });
});

test('a link that halted the chain has nothing that the chain goes on with', () => {
  const told = { ...ORIGIN, kind: 'after_link', run: 1, link: 'a', status: 'success', halted: true };
  expect(readReport(told)).toMatchObject({ kind: 'after_link', returned: false });
});
