import { expect, test } from 'vitest';
import type { SystemCall } from './strace.ts';
import { syncFault } from './sync-fault.ts';

const PATH = '/data/journal.db';
const call = (name: string, path: string | undefined, more: object = {}) =>
  ({ name, path, failed: false, text: '', ...more }) as unknown as SystemCall;
const sync = call('fdatasync', `${PATH}-wal`);
const failing = call('fdatasync', `${PATH}-wal`, { failed: true });
const reopen = call('openat', PATH);
const told = call('write', undefined, { text: '{"durable":19}' });

test('what is told after a file was opened anew and synchronised is well', () => {
  expect(syncFault([sync, told, failing, reopen, sync, told], PATH)).toBeUndefined();
});

test('what is told after a failed synchronisation is a fault, and so is what is told before the next one', () => {
  expect(syncFault([sync, told, failing, told], PATH)).toContain('failed');
  expect(syncFault([sync, told, failing, reopen, told], PATH)).toContain('opened anew');
});

test('what was synchronised before may be told late, once', () => {
  expect(syncFault([sync, failing, told], PATH)).toBeUndefined();
  expect(syncFault([sync, failing, told, told], PATH)).toContain('failed');
});
