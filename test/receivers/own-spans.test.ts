import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { expect, onTestFinished, test } from 'vitest';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';
import { JSON_TYPE, PROTOBUF, startReceiver } from '../support/receiver.ts';
import { startSdk } from '../support/sdk.ts';

test.each([
  ['protobuf', ProtobufTraceSerializer, PROTOBUF],
  ['JSON', JsonTraceSerializer, JSON_TYPE],
])('what this package has recorded elsewhere arrives as it was, in %s', async (_, serializer, headers) => {
  const sdk = startSdk([]);
  onTestFinished(() => sdk.shutdown());
  const chain = { name: 'main', links: ['a', 'halt', 'b'] };
  await traceChain(chain, 'V1', async (run) => {
    await run.link('a', () => 'N1');
    await run.storage({ name: 's' }, () => Promise.reject(new RangeError('on purpose')));
    await run.link('halt', () => undefined);
  });
  const body = serializer.serializeRequest([...sdk.spans()]);
  const { post, sink } = await startReceiver();
  expect((await post('/v1/traces', body ?? '', headers)).status).toBe(200);
  expect(sink.taken).toMatchObject([
    {
      stage: 'link',
      name: 'a',
      index: 0,
      vconUuid: 'V1',
      outVconUuid: 'N1',
      outcome: 'success',
      failed: false,
    },
    { stage: 'storage', name: 's', vconUuid: 'N1', failed: true, errorType: 'RangeError' },
    { stage: 'link', name: 'halt', index: 1, outcome: 'halt', failed: false },
    {
      stage: 'chain',
      links: chain.links,
      vconUuid: 'V1',
      outVconUuid: 'N1',
      outcome: 'halted',
      failed: false,
      parentSpanId: undefined,
      queuedBy: [],
    },
  ]);
  const recorded = sdk.spans().map((span) => [span.spanContext().spanId, span.startTime, span.endTime]);
  expect(sink.taken.map(({ spanId, start, end }) => [spanId, start, end])).toEqual(recorded);
});
