import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readReceipts } from '../../../src/tracers/jlinc/kept-receipt.ts';
import { ReceiptFile } from '../../../src/tracers/jlinc/receipt-file.ts';
import { keptReceipts } from './kept-receipts.ts';

const NOON = Date.UTC(2026, 2, 1, 12);
const FULL = '/dev/full';
let directory: string;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-receipts-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true });
});

const open = () => new ReceiptFile(directory, 'option');
const today = () => join(directory, 'receipts-2026-03-01.jsonl');

test('lines that come at once are written in their order', async () => {
  const file = open();
  const receipts = Array.from({ length: 2_000 }, (_, n) => ({ n }));
  await Promise.all(receipts.map((receipt) => file.append(receipt)));
  await file.close();
  await file.close();
  expect(keptReceipts(directory)).toEqual(receipts);
});

test('closing waits for what was accepted', async () => {
  const file = open();
  const appended = file.append({ n: 1 });
  await file.close();
  expect(keptReceipts(directory)).toEqual([{ n: 1 }]);
  await appended;
});

test('half a line that a crash left is not continued', async () => {
  await writeFile(today(), '{"n":1}\n{"n":2,"hal');
  const file = open();
  await file.append({ n: 3 });
  await file.close();
  expect((await readFile(today(), 'utf8')).split('\n')).toEqual(['{"n":1}', '{"n":2,"hal', '{"n":3}', '']);
});

test('a file that was deleted meanwhile keeps nothing: it is made again', async () => {
  const file = open();
  await file.append({ n: 1 });
  await rm(today());
  await expect(file.append({ n: 2 })).rejects.toMatchObject({ code: 'RECEIPT_NOT_KEPT' });
  await file.append({ n: 2 });
  await file.close();
  expect(keptReceipts(directory)).toEqual([{ n: 2 }]);
});

test('every day has a file of its own', async () => {
  const file = open();
  await file.append({ n: 1 });
  vi.setSystemTime(NOON + 86_400_000);
  await file.append({ n: 2 });
  await file.close();
  expect((await readdir(directory)).sort()).toEqual([
    'receipts-2026-03-01.jsonl',
    'receipts-2026-03-02.jsonl',
  ]);
  expect(keptReceipts(directory)).toEqual([{ n: 1 }, { n: 2 }]);
});

test('more than 10,000 lines do not wait', async () => {
  const file = open();
  const all = Array.from({ length: 10_010 }, (_, n) => file.append({ n }));
  const refused = (await Promise.allSettled(all)).filter(({ status }) => status === 'rejected');
  await file.close();
  expect(refused.length).toBeGreaterThan(0);
  expect(keptReceipts(directory).length).toBe(10_010 - refused.length);
});

test.skipIf(!existsSync(FULL))(
  'a full disk refuses, and is tried anew (skipped without /dev/full)',
  async () => {
    await symlink(FULL, today());
    const file = open();
    const failures = await Promise.allSettled([file.append({ n: 1 }), file.append({ n: 2 })]);
    for (const failure of failures)
      expect(failure).toMatchObject({ reason: { code: 'RECEIPT_NOT_KEPT', permanent: false } });
    await rm(today());
    await file.append({ n: 3 });
    await file.close();
    expect(keptReceipts(directory)).toEqual([{ n: 3 }]);
  },
);

test('a receipt is one line, whatever line breaks Unicode has inside of its strings', async () => {
  const file = open();
  await file.append({ chain: 'a\u2028b\u2029c' });
  await file.close();
  const lines: unknown[] = [];
  for await (const line of readReceipts(directory)) lines.push(line);
  expect(lines).toMatchObject([{ line: 2, fault: 'it is not a receipt', unfinished: false }]);
});
