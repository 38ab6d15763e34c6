import { expect, test } from 'vitest';
import { Workers } from '../../src/assembly/workers.ts';
import { readRecord } from '../../src/receivers/forwarded-record.ts';
import { recordText } from '../receivers/forwarded-records.ts';

test('a record that was counted as lost and comes after all is no repeat, but once', () => {
  const workers = new Workers();
  const isRepeat = (seq: number) => {
    const record = readRecord(JSON.parse(recordText(seq)));
    return workers.isRepeat(workers.of(record), record, 0);
  };
  const giveUp = () => {
    let lost = 0;
    for (const numbers of [...workers.missedBefore(1)]) lost += workers.giveUp(numbers);
    return lost;
  };
  expect([isRepeat(1), isRepeat(3), giveUp()]).toEqual([false, false, 1]);
  expect([isRepeat(2), isRepeat(2), giveUp()]).toEqual([false, true, 0]);
});

test('what workers have left out takes room by the gap, not by the number', () => {
  const workers = new Workers();
  const hear = (host: string, seq: number) => {
    const record = readRecord({ ...JSON.parse(recordText(seq)), worker: { host, pid: 1 } });
    workers.isRepeat(workers.of(record), record, 0);
  };
  const before = process.memoryUsage().heapUsed;
  for (let host = 0; host < 1_000; host += 1) for (const seq of [0, 99_000]) hear(`w${host}`, seq);
  // As numbers, they would be some gigabytes.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 26);
  const missed = [...workers.missedBefore(0)];
  expect(missed).toHaveLength(1_000);
  expect(workers.giveUp({ worker: missed[0]?.worker ?? '', numbers: [[1, 98_999]] })).toBe(98_999);
});
