import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { credentials, status } from '@grpc/grpc-js';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import protobuf from 'protobufjs';
import { describe, expect, test, vi } from 'vitest';
import type { Received } from '../../../src/model/received.ts';
import { withReceived } from '../../../src/receivers/received.ts';
import { missingOpenssl, selfSigned } from '../../support/certificate.ts';
import { PATIENCE } from '../../support/eventually.ts';
import { type GrpcAnswer, GZIPPED, startGrpc } from '../../support/grpc-receiver.ts';
import { ANSWER, conserverSpan, decodeAnswer, request } from '../../support/otlp-request.ts';
import { openConnection } from '../../support/receiver.ts';
import { describeWith, freePort } from '../../support/server.ts';

const TWO = request([conserverSpan('link.a'), conserverSpan('http GET')]).protobuf;
const MEBIBYTE = 1024 * 1024;

describe('spans', () => {
  test.each([
    ['as they are', {}],
    ['in gzip', GZIPPED],
  ])('%s are taken, and kept as they came', async (_, channel) => {
    const { send, sink, counts } = await startGrpc();
    expect(await send(TWO, { channel })).toEqual({ code: 0, body: Buffer.alloc(0) });
    expect(sink.taken).toMatchObject([{ stage: 'link', name: 'a' }]);
    expect(counts.all('spans')).toEqual({ accepted: 1, ignored: 1, rejected: 0 });
    const [received] = sink.received;
    expect(received).toMatchObject({ form: 'otlp_protobuf', packing: 'none' });
    expect(Buffer.from(received?.bytes ?? []).equals(TWO)).toBe(true);
    const again = await withReceived((read) => read(received as Received));
    expect(again).toEqual({ spans: sink.taken, records: [] });
  });

  test('those that cannot be used are a partial success', async () => {
    const { send } = await startGrpc();
    const answer = await send(request([conserverSpan('link.a', {}, { spanId: '' })]).protobuf);
    expect(decodeAnswer('ExportTraceServiceResponse', bodyOf(answer))).toEqual({
      partialSuccess: { rejectedSpans: 1, errorMessage: expect.stringMatching(/^spans/) },
    });
  });

  test('the answer comes only when they survive a crash', async () => {
    const { send, sink } = await startGrpc();
    const kept = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let answered = false;
    sink.keep = () => {
      asked.resolve();
      return kept.promise;
    };
    const answer = send(TWO).finally(() => {
      answered = true;
    });
    await asked.promise;
    expect([sink.taken.length, answered]).toEqual([1, false]);
    kept.resolve();
    expect((await answer).code).toBe(0);
  });

  test("OpenTelemetry's own exporter delivers them", async () => {
    const { url, sink } = await startGrpc();
    const exporter = new OTLPTraceExporter({ url });
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
    provider
      .getTracer('test')
      .startSpan('link.a', { attributes: { vcon_id: 'any', chain_name: 'main' } })
      .end();
    await provider.shutdown();
    expect(sink.taken).toMatchObject([{ stage: 'link', name: 'a' }]);
  });
});

describe('other signals are taken, counted and forgotten', () => {
  test.each([
    ['metrics', 'metrics.v1.MetricsService'],
    ['logs', 'logs.v1.LogsService'],
  ] as const)('%s', async (signal, service) => {
    const { send, counts, sink } = await startGrpc();
    expect((await send(Buffer.alloc(1_000, 1), { service })).code).toBe(0);
    expect([counts.of('other', signal), sink.received]).toEqual([1, []]);
  });

  test("metrics of OpenTelemetry's own exporter", async () => {
    const { url, counts } = await startGrpc();
    const reader = new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter({ url }) });
    const provider = new MeterProvider({ readers: [reader] });
    provider.getMeter('test').createCounter('any').add(1);
    await provider.shutdown();
    expect(counts.of('other', 'metrics')).toBe(1);
  });
});

describe('refused', () => {
  test.each([
    ['what is no protobuf', Buffer.from('no protobuf'), {}, status.INVALID_ARGUMENT],
    ['what is too large as it comes', Buffer.alloc(MEBIBYTE + 1), {}, status.RESOURCE_EXHAUSTED],
    ['a bomb', Buffer.alloc(100 * MEBIBYTE), { channel: GZIPPED }, status.RESOURCE_EXHAUSTED],
    ['another service', TWO, { service: 'profiles.v1.ProfilesService' }, status.UNIMPLEMENTED],
  ])('%s, which is not to be sent again', async (_, body, how, code) => {
    const { send, sink } = await startGrpc({ maxBody: MEBIBYTE });
    const answer = await send(body, how);
    expect(answer.code).toBe(code);
    expect(retryInfo(answer)).toBeUndefined();
    expect(sink.taken).toEqual([]);
    expect((await send(TWO)).code).toBe(0);
  });

  test('the answer does not quote the request', async () => {
    const { send } = await startGrpc();
    const answer = await send(Buffer.from('secret +15551234567'));
    expect(JSON.stringify(answer)).not.toMatch(/secret|1555/);
  });

  test('while there is no room: UNAVAILABLE, with a RetryInfo', async () => {
    const { send, sink } = await startGrpc();
    sink.full = true;
    const answer = await send(TWO);
    expect([answer.code, retryInfo(answer)]).toEqual([status.UNAVAILABLE, 5]);
    expect(sink.received).toEqual([]);
  });

  test('what could not be kept: UNAVAILABLE, with a RetryInfo, and nothing is counted', async () => {
    const { send, sink, counts } = await startGrpc();
    sink.keep = () => Promise.reject(new Error('on purpose'));
    const answer = await send(TWO);
    expect([answer.code, retryInfo(answer)]).toEqual([status.UNAVAILABLE, 5]);
    expect(counts.of('spans', 'accepted')).toBe(0);
  });
});

describe('with a token', () => {
  const token = 'a token of a test';
  test.each([[undefined], [''], ['another one']])('%s is refused', async (presented) => {
    const { send, sink } = await startGrpc({ token });
    const answer = await send(TWO, presented === undefined ? {} : { token: presented });
    expect(answer.code).toBe(status.UNAUTHENTICATED);
    expect(sink.received).toEqual([]);
  });

  test('whoever has it may send, and whoever has one with a name is known by it', async () => {
    const { send, sink } = await startGrpc({ token, tokens: { somebody: 'of somebody' } });
    expect((await send(TWO, { token })).code).toBe(0);
    expect((await send(TWO, { token: 'of somebody' })).code).toBe(0);
    expect(sink.received.map(({ sender }) => sender)).toEqual([undefined, 'somebody']);
  });
});

describe('memory', () => {
  test('more requests than there is room for wait for their turn', async () => {
    const { send, sink } = await startGrpc();
    const kept = Promise.withResolvers<void>();
    sink.keep = () => kept.promise;
    // Held while they wait to be kept: of 64 MiB, each takes 4, and 8 while it is read. So the sixteenth waits.
    const answers = Array.from({ length: 24 }, () => send(unknownField(4 * MEBIBYTE - 10)));
    await vi.waitUntil(() => sink.received.length === 15, PATIENCE);
    kept.resolve();
    expect((await Promise.all(answers)).map(({ code }) => code)).toEqual(answers.map(() => 0));
  });

  test('a sender that gives up while it waits holds nobody else back', async () => {
    const { send, sink } = await startGrpc();
    const kept = Promise.withResolvers<void>();
    sink.keep = () => kept.promise;
    const first = Array.from({ length: 16 }, () => send(unknownField(4 * MEBIBYTE - 10)));
    await vi.waitUntil(() => sink.received.length === 15, PATIENCE);
    const impatient = await send(TWO, { deadline: Date.now() + 200 });
    expect(impatient.code).toBe(status.DEADLINE_EXCEEDED);
    kept.resolve();
    await Promise.all(first);
    expect((await send(TWO)).code).toBe(0);
  });

  test('a request that does not arrive is ended', async () => {
    const { url, send } = await startGrpc({ bodyTimeout: 300 });
    const session = connectHttp2(url);
    const call = session.request({
      ':method': 'POST',
      ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    call.write(Buffer.from([0, 0, 0, 1, 0, 1]));
    const [headers] = await once(call, 'response');
    expect(headers['grpc-status']).toBe(String(status.DEADLINE_EXCEEDED));
    session.destroy();
    expect((await send(TWO)).code).toBe(0);
  });
});

describe('connections', () => {
  test('one that speaks something else is ended, and disturbs nobody', async () => {
    const { url, send } = await startGrpc();
    const { socket, closed } = openConnection(url);
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await closed;
    expect((await send(TWO)).code).toBe(0);
  });

  test('an address that is taken is told', async () => {
    const { url } = await startGrpc();
    await expect(startGrpc({ port: Number(new URL(url).port) })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      path: 'receivers.grpc',
    });
  });
});

describe('close', () => {
  test('lets requests under way come to their end, and is safe twice', async () => {
    const { send, sink, close } = await startGrpc();
    const kept = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    sink.keep = () => {
      asked.resolve();
      return kept.promise;
    };
    const answer = send(TWO);
    await asked.promise;
    const closed = close();
    kept.resolve();
    expect((await answer).code).toBe(0);
    await closed;
    await close();
    expect((await send(TWO, { deadline: Date.now() + 500 })).code).not.toBe(0);
  });

  test('ends connections that lead to nothing', async () => {
    const { url, close } = await startGrpc();
    const { socket, closed } = openConnection(url);
    await once(socket, 'connect');
    await close();
    await closed;
  });

  test('its port is free afterwards', async () => {
    const port = await freePort();
    const { close } = await startGrpc({ port });
    await close();
    expect((await startGrpc({ port })).url).toBe(`http://127.0.0.1:${port}`);
  });
});

describeWith('openssl', missingOpenssl(), 'TLS', () => {
  const { cert, key } = selfSigned();
  const pem = (path: string) => readFileSync(path);

  test('spans come in over TLS', async () => {
    const { url, send, sink } = await startGrpc({ tls: { cert, key } });
    expect(url).toMatch(/^https:/);
    expect((await send(TWO, { credentials: credentials.createSsl(pem(cert)) })).code).toBe(0);
    expect(sink.taken).toHaveLength(1);
    expect((await send(TWO, { deadline: Date.now() + 500 })).code).not.toBe(0);
  });

  test('where clients need a certificate, one without it is not served', async () => {
    const { send, sink } = await startGrpc({ tls: { cert, key, clientCa: cert } });
    const deadline = Date.now() + 1_000;
    const without = await send(TWO, { credentials: credentials.createSsl(pem(cert)), deadline });
    expect([without.code === 0, sink.received]).toEqual([false, []]);
    const withOne = credentials.createSsl(pem(cert), pem(key), pem(cert));
    expect((await send(TWO, { credentials: withOne })).code).toBe(0);
  });
});

function bodyOf(answer: GrpcAnswer): Buffer {
  if (!('body' in answer)) throw answer.error;
  return answer.body;
}

/** The seconds after which a sender should come back. */
function retryInfo(answer: GrpcAnswer): number | undefined {
  if (!('error' in answer)) return undefined;
  const [details] = answer.error.metadata.get('grpc-status-details-bin');
  if (details === undefined) return undefined;
  const { details: all = [] } = decodeAnswer('Status', details as Buffer) as {
    details?: { typeUrl: string; value: Uint8Array }[];
  };
  const info = all.find(({ typeUrl }) => typeUrl === 'type.googleapis.com/google.rpc.RetryInfo');
  const type = ANSWER.lookupType('RetryInfo');
  return info && (type.toObject(type.decode(info.value), { longs: Number }).retryDelay.seconds as number);
}

/** A request that holds one field that nobody knows, of so many bytes. */
function unknownField(bytes: number): Buffer {
  const writer = protobuf.Writer.create().uint32((15 << 3) | 2);
  return Buffer.from(writer.bytes(Buffer.alloc(bytes)).finish());
}
