import { chainEvent } from '../model/chain-event.ts';
import type { ChainEvent } from '../model/event.ts';
import { GrowingRun } from '../model/growing-run.ts';

/** The events of a run whose end cannot be known: `chain_start`, and `chain_lost`. */
export function lostRun(): readonly ChainEvent[] {
  const inVconUuid = '018f0000-0000-8000-8000-00000000dead';
  const spanContext = Object.freeze({ traceId: 'dead'.repeat(8), spanId: 'dead'.repeat(4), traceFlags: 1 });
  const start = Date.now();
  const run = new GrowingRun({
    runId: spanContext.spanId,
    spanContext,
    chain: 'main',
    links: Object.freeze([]),
    inVconUuid,
    start,
    inferred: Object.freeze([]),
  });
  const began = chainEvent(run);
  run.finish({
    outVconUuid: inVconUuid,
    end: start + 1_000,
    duration: 1,
    outcome: 'unknown',
    errorType: undefined,
    inferred: Object.freeze(['outcome', 'time', 'duration', 'out_vcon_uuid']),
    lost: true,
  });
  return [began, chainEvent(run)];
}
