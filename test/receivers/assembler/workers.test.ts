import { expect, test } from 'vitest';
import { Workers } from '../../../src/receivers/assembler/workers.ts';
import { readRecord } from '../../../src/receivers/forwarded-record.ts';
import { recordText } from '../forwarded-records.ts';

test('a record that was counted as lost and comes after all is no repeat, but once', () => {
  const workers = new Workers();
  const isRepeat = (seq: number) => {
    const record = readRecord(JSON.parse(recordText(seq)));
    return workers.isRepeat(workers.of(record), record, 0);
  };
  expect([isRepeat(1), isRepeat(3), workers.giveUp(1)]).toEqual([false, false, 1]);
  expect([isRepeat(2), isRepeat(2), workers.giveUp(1)]).toEqual([false, true, 0]);
});
