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
