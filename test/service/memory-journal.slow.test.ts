import { expect, onTestFinished, test } from 'vitest';
import { ReceivingService, type Request } from '../faults/receiving-service.ts';
import { ANY_TIME } from '../support/any-time.ts';
import { conserverSpan, request } from '../support/otlp-request.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// A process with a small heap: what a journal in memory keeps as it came lies beside the heap, where V8 bounds nothing.

const REQUESTS = 400;
const AT_A_TIME = 8;

/** A span of a run that stays open, with so much text that nobody reads: half a megabyte. */
function huge(n: number): Request {
  const id = (kind: number, length: number) => `${kind}${n.toString(16).padStart(length - 1, '0')}`;
  const ids = { traceId: id(1, 32), spanId: id(2, 16), parentSpanId: id(3, 16) };
  const span = conserverSpan('link.a', { link_index: 0, note: `${n} `.repeat(130_000) }, ids);
  return { path: '/v1/traces', type: 'application/x-protobuf', body: request([span]).protobuf };
}

test('a journal in memory keeps of what came only what is needed: bytes that nobody reads do not pile up', async () => {
  const config = {
    journal: { type: 'memory', on_full: 'block' },
    receivers: { assembler: { settle: '1s', timeout: '1h', ...ANY_TIME } },
  };
  const service = new ReceivingService(temporaryFolder(), config, ['--max-old-space-size=64']);
  await service.start();
  onTestFinished(() => service.kill().catch(() => undefined));
  let [next, sent] = [0, 0];
  const send = async (upTo: number) => {
    for (let n = next++; n < upTo; n = next++) {
      const body = huge(n);
      sent += body.body.length;
      await service.post(body);
    }
    next = upTo;
  };
  const lanes = (upTo: number) => Promise.all(Array.from({ length: AT_A_TIME }, () => send(upTo)));
  await Promise.race([lanes(REQUESTS / 4), service.dies()]);
  const [before, sentBefore] = [service.peakMemory, sent];
  await Promise.race([lanes(REQUESTS), service.dies()]);
  expect((await service.readyz()).receivers.open_runs).toBe(REQUESTS);
  const megabytes = (sent - sentBefore) / 2 ** 20;
  expect(service.peakMemory - before).toBeLessThan(megabytes / 2);
}, 1_500_000);
