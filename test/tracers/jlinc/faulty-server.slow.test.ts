import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { throughFaults } from './through-faults.ts';

/** `JLINC_EVENTS=10000` makes it the long run of docs/tracers/jlinc.md. */
const events = Number(process.env.JLINC_EVENTS ?? 2_000);

test(`half the answers are faulty, and of ${events} events every one is recorded`, {
  timeout: 300_000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vcon-otel-jlinc-'));
  try {
    const result = await throughFaults(events, directory);
    // Two may be missed where no domain and no entity was asked for in vain.
    expect(result.kinds).toBeGreaterThanOrEqual(14);
    expect(result).toEqual({
      events,
      recorded: events,
      receipts: events,
      outOfOrder: [],
      withReceiptOnly: [],
      dead: 0,
      dropped: 0,
      faultyAnswers: expect.closeTo(0.5, 1),
      kinds: expect.any(Number),
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
