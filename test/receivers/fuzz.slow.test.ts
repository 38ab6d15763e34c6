import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { Pool } from 'undici';
import { expect, test } from 'vitest';
import { capturedRecords, capturedRequests } from '../support/captures.ts';
import { conserverSpan, encode, field, request } from '../support/otlp-request.ts';
import { bomb, openConnection, startReceiver } from '../support/receiver.ts';
import { Mutations } from './mutations.ts';

/** `FUZZ=100000` for the long form. */
const FULL = Number(process.env.FUZZ ?? 0);
const BODIES = FULL || 3_000;
const CONNECTIONS = FULL ? 10_000 : 1_000;
const SEED = Number(process.env.FUZZ_SEED ?? 1);
/** Milliseconds that the long form may take. */
const PATIENCE = 3_600_000;

const MEBIBYTE = 1024 * 1024;
/** What a receiver may answer to anything. */
const EXPECTED = new Set([200, 400, 413, 415, 503]);
/** Bytes that a process may grow by: the budget of bodies under way, the thread for JSON, and what was not collected yet. */
const GROWTH = 1024 * MEBIBYTE;

test(
  `${BODIES} bodies that are wrong in some way end nothing`,
  async () => {
    const { url, post, sink } = await startReceiver({ maxBody: MEBIBYTE });
    const random = new Mutations(SEED);
    const pool = new Pool(url, { connections: 16 });
    const memory = watchMemory();
    const statuses = new Map<string, number>();
    let left = BODIES;
    const sender = async () => {
      while (left-- > 0) {
        const { path, headers, body } = wrong(random);
        const answer = await pool.request({ method: 'POST', path, headers, body });
        const text = await answer.body.text();
        const key = `${path} ${answer.statusCode}`;
        statuses.set(key, (statuses.get(key) ?? 0) + 1);
        sink.taken.length = 0;
        sink.records.length = 0;
        if (!EXPECTED.has(answer.statusCode))
          throw new Error(`${path} ${answer.statusCode} ${text}: ${body.toString('base64')}`);
      }
    };
    await Promise.all(Array.from({ length: 16 }, sender));
    await pool.close();
    report(`seed ${SEED}`, Object.fromEntries([...statuses].sort()), memory.stop());
    expect((await post('/v1/traces', request([conserverSpan('link.a')]).protobuf)).status).toBe(200);
    expect(sink.taken).toHaveLength(1);
    expect(memory.growth()).toBeLessThan(GROWTH);
  },
  PATIENCE,
);

test(
  `${CONNECTIONS} slow connections end by themselves`,
  async () => {
    const { url, post } = await startReceiver({ headerTimeout: 2_000, bodyTimeout: 2_000 });
    const memory = watchMemory();
    const ended: Promise<unknown>[] = [];
    for (let opened = 0; opened < CONNECTIONS; opened += 100) {
      const some = Array.from({ length: 100 }, (_, index) => {
        const { socket, closed } = openConnection(url);
        const start = SLOW[index % SLOW.length];
        if (start) socket.write(start);
        ended.push(closed);
        return Promise.race([once(socket, 'connect').catch(() => undefined), closed]);
      });
      await Promise.all(some);
    }
    await Promise.all(ended);
    report(`${CONNECTIONS} slow connections`, {}, memory.stop());
    expect((await post('/v1/traces', '')).status).toBe(200);
    expect(memory.growth()).toBeLessThan(GROWTH);
  },
  PATIENCE,
);

const SLOW = [
  '',
  'POST /v1/tra',
  'POST /v1/traces HTTP/1.1\r\nhost: x\r\n',
  'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 9\r\n\r\n\n',
  'POST /v1/bridge HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n[',
];

/** The value of an attribute: a kvlist in a kvlist, so many times, is what would be recursed for. */
function nested(depth: number): Buffer {
  const heads: Buffer[] = [];
  for (let level = 0, length = 0; level < 3 * depth; level++) {
    // KeyValue.value, KeyValueList.values, AnyValue.kvlist_value
    const number = [6, 1, 2][level % 3] ?? 0;
    const head = Buffer.from(
      protobuf.Writer.create()
        .uint32((number << 3) | 2)
        .uint32(length)
        .finish(),
    );
    heads.push(head);
    length += head.length;
  }
  return Buffer.concat(heads.reverse());
}

function inSpan(more: Buffer): Buffer {
  const span = encode(conserverSpan('link.a'), 'opentelemetry.proto.trace.v1.Span');
  return field(1, field(2, field(2, Buffer.concat([span, more]))));
}

interface Sent {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const captured = capturedRequests();
const made = request([
  conserverSpan('vcon_processing.main', { 'vcon.chain.links': ['a', 'b'] }, { status: { code: 2 } }),
  conserverSpan('link.a', { link_index: 0, 'error.type': 'X' }, { status: { code: 2 } }),
  conserverSpan('storage.s3'),
  conserverSpan('http GET'),
]);
const PROTOBUFS = [made.protobuf, ...captured.map(({ protobuf }) => protobuf)];
const JSONS = [made.json, ...captured.map(({ json }) => json)];
const RECORDS = [
  Buffer.from('[{"v":1,"kind":"run","tracer":"t","in":"V","out":"V","links":["a"],"index":0,"ts":"1"}]'),
  ...capturedRecords('01-happy').map((record) => Buffer.from(JSON.stringify([record]))),
];
const MONSTERS = [
  Buffer.from('['.repeat(100_000)),
  Buffer.from(`{"resourceSpans":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
  Buffer.from('{"a":'.repeat(100_000)),
  inSpan(field(9, Buffer.concat([field(1, Buffer.from('chain_name')), nested(100_000)]))),
  inSpan(field(9, nested(100_000))),
  Buffer.alloc(100_000, 0x0b),
  Buffer.alloc(900_000, Buffer.from('0a00', 'hex')),
];
const BOMBS = [bomb(300 * MEBIBYTE), gzipSync(bomb(300 * MEBIBYTE))];

function wrong(random: Mutations): Sent {
  const kind = random.below(100);
  if (kind === 0)
    return sent(random, '/v1/traces', random.of(['application/json', PROTOBUF]), random.of(MONSTERS));
  if (kind === 1)
    return { path: '/v1/traces', headers: { ...type(PROTOBUF), ...GZIP }, body: random.of(BOMBS) };
  if (kind < 10) return sent(random, random.of(PATHS), random.of(TYPES), random.noise(random.below(2_000)));
  if (kind < 55) return sent(random, '/v1/traces', PROTOBUF, random.wrong(random.of(PROTOBUFS), PROTOBUFS));
  if (kind < 85) return sent(random, '/v1/traces', JSON_TYPE, random.wrong(random.of(JSONS), JSONS));
  return sent(random, '/v1/bridge', JSON_TYPE, random.wrong(random.of(RECORDS), JSONS));
}

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const TYPES = [PROTOBUF, JSON_TYPE, 'text/plain', 'application/x-protobuf; a=b', '/'];
const PATHS = ['/v1/traces', '/v1/bridge', '/v1/metrics', '/v1/logs', '/v1/bridge?wait=delivered'];
const GZIP = { 'content-encoding': 'gzip' };

/** One in ten in gzip, and half of these packed wrongly. */
function sent(random: Mutations, path: string, contentType: string, body: Buffer): Sent {
  if (random.below(10) > 0) return { path, headers: type(contentType), body };
  const packed = gzipSync(body);
  const headers = { ...type(contentType), ...GZIP };
  return { path, headers, body: random.below(2) ? packed : random.wrong(packed, [packed]) };
}

function type(contentType: string): Record<string, string> {
  return { 'content-type': contentType };
}

function watchMemory(): { stop(): string; growth(): number } {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 20);
  const inMebibytes = (bytes: number) => `${Math.round(bytes / MEBIBYTE)} MiB`;
  return {
    growth: () => most - before,
    stop: () => {
      clearInterval(timer);
      const now = process.memoryUsage.rss();
      return `rss ${inMebibytes(before)} before, ${inMebibytes(most)} at most, ${inMebibytes(now)} after`;
    },
  };
}

function report(...what: unknown[]): void {
  console.log(...what);
}
