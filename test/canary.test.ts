import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MARKED_JUNK, markedVcon } from './canary/documents.ts';
import { FAILURES } from './canary/failures.ts';
import { GIVEAWAYS, MARK } from './canary/marks.ts';
import { type Ended, startNode, temporaryFolder, vconOtel } from './cli/command-line.ts';
import { startOtlpServer } from './exporters/otlp-server.ts';
import { startServer } from './outgoing/misbehaving-server.ts';

const SCENARIO = fileURLToPath(new URL('canary/scenario.ts', import.meta.url));
const UUID = '018f0000-0000-8000-8000-000000000001';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (...parts: readonly string[]) => join(folder.path, ...parts);
const read = (...parts: readonly string[]) => readFileSync(at(...parts), 'utf8');

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** The places in a text where something marked got out, each with what stands around it. */
function leaks(text: string): string[] {
  return GIVEAWAYS.flatMap((giveaway) =>
    [...text.matchAll(new RegExp(giveaway, 'gi'))].map(({ index }) =>
      text.slice(Math.max(0, index - 80), index + 80),
    ),
  ).slice(0, 5);
}

test('a mark is found in whatever it is hidden', () => {
  const hidden = [
    MARK.toUpperCase(),
    'x+15550137742',
    '(555) 0137742',
    '555.0137742',
    'tel:0137742',
    ...['', 'a', 'ab'].map((before) => Buffer.from(`${before}${MARK}!`).toString('base64url')),
    Buffer.from(MARK).toString('hex'),
  ];
  for (const text of hidden) expect(leaks(`.${text}.`)).not.toEqual([]);
  expect(leaks('link.tag failed: RangeError ECONNREFUSED 018f0000, after 0.0013774229 s')).toEqual([]);
});

describe('where everything is marked and everything fails, no mark is', () => {
  let ended: Ended;
  let collector: Awaited<ReturnType<typeof startOtlpServer>>;
  let broken: Awaited<ReturnType<typeof startOtlpServer>>;
  let service: Awaited<ReturnType<typeof startServer>>;
  const packets: string[] = [];
  let logins = 0;
  let databaseLogins = 0;

  beforeAll(async () => {
    const statsd = createSocket('udp4').on('message', (packet) => packets.push(packet.toString()));
    statsd.bind(0, '127.0.0.1');
    await once(statsd, 'listening');
    // A Redis that lets nobody in, and says whom not.
    const redis = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        logins += 1;
        socket.write(`-WRONGPASS invalid password ${MARK} for ${MARK}\r\n`.repeat(5));
      });
    });
    redis.listen(0, '127.0.0.1');
    await once(redis, 'listening');
    // A PostgreSQL that is no kinder.
    const postgres = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        databaseLogins += 1;
        const fields = `SFATAL\0C28P01\0M${MARK} for ${MARK}\0D${MARK}\0\0`;
        const head = Buffer.from('E\0\0\0\0');
        head.writeInt32BE(4 + Buffer.byteLength(fields), 1);
        socket.end(Buffer.concat([head, Buffer.from(fields)]));
      });
    });
    postgres.listen(0, '127.0.0.1');
    await once(postgres, 'listening');
    // An audit service that takes every third event, and quotes what it does not take.
    let events = 0;
    service = await startServer((response, { headers, body }) => {
      const status = [200, 400, 500][events++ % 3] ?? 200;
      response.writeHead(status, { 'x-quoted': MARK, 'retry-after': MARK });
      response.end(`${MARK} ${headers.authorization} ${body}`);
    });
    collector = await startOtlpServer();
    const refusal = { rejectedSpans: 1, rejectedDataPoints: 1, errorMessage: `${MARK} "${MARK}"` };
    broken = await startOtlpServer(
      ({ path }) => (path?.includes('traces') ? 400 : 200),
      JSON.stringify({ partialSuccess: refusal, message: MARK }),
    );
    const scenario = startNode([SCENARIO], {
      env: {
        OUT: folder.path,
        COLLECTOR: collector.endpoint,
        BROKEN_COLLECTOR: broken.endpoint,
        REDIS: `redis://${MARK}-user:${MARK}-password@127.0.0.1:${(redis.address() as AddressInfo).port}/0`,
        POSTGRES_PORT: String((postgres.address() as AddressInfo).port),
        AUDIT_SERVICE: String(service.url),
        STATSD_PORT: String(statsd.address().port),
        SECRET_FROM_ENVIRONMENT: `${MARK} secret`,
        OTEL_EXPORTER_OTLP_HEADERS: `x-env=${MARK},${MARK}-malformed,=${MARK}`,
        OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
      },
    });
    ended = await scenario.ended;
    statsd.close();
    redis.close();
    postgres.close();
    await Promise.all([collector.close(), broken.close(), service.close()]);
  });

  test('in what is printed, at log level trace', () => {
    expect(leaks(ended.stdout + ended.stderr)).toEqual([]);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('tracer throws failed: ');
    expect(ended.stderr).toContain('"level":10');
  });

  test('in what OTLP endpoints are sent, beside the headers that are theirs', () => {
    const bodies = [...collector.requests, ...broken.requests].map(({ body }) => JSON.stringify(body));
    expect(bodies.flatMap(leaks)).toEqual([]);
    const sent = bodies.join('\n');
    for (const kind of Object.keys(FAILURES)) {
      expect(sent).toContain(`"link.${kind}"`);
      expect(sent).toContain(`"storage.async_${kind}"`);
    }
    expect(sent).toContain('exception.stacktrace');
    expect(sent).toContain('"vcon.tracer.deliveries"');
    expect(collector.requests[0]?.headers).toMatchObject({
      'x-api-key': `${MARK} secret`,
      'x-other': MARK,
      'x-env': MARK,
    });
    expect(broken.requests.length).toBeGreaterThan(1);
  });

  test.each([
    ['traces.otlp.jsonl', '"link.message"'],
    ['audit.jsonl', '"vcon_summary":{"parties":2,"dialog_count":3}'],
    ['scrape.txt', 'vcon_link_duration_seconds_count'],
    ['stats.json', '"processor_error"'],
    ['journal.db', 'vCoJ'],
    ['db-audit.db', 'vcon_events'],
  ])('in %s', (file, proof) => {
    const text = read(file);
    expect(leaks(text)).toEqual([]);
    expect(text).toContain(proof);
  });

  test('in what an operator is shown of the journal', async () => {
    for (const command of ['queue stats', 'queue dead --limit 0', 'timeline --limit 0']) {
      const { code, stdout, stderr } = await vconOtel([...command.split(' '), '--journal', at('journal.db')]);
      expect([code, stderr, leaks(stdout)]).toEqual([0, '', []]);
      expect(stdout).toContain('throws');
    }
  });

  test('in what an audit service is sent, beside the key that is its own', () => {
    expect(service.received.flatMap(({ body }) => leaks(body))).toEqual([]);
    for (const { headers } of service.received) {
      const { authorization, ...others } = headers;
      expect(authorization).toBe(`Bearer ${MARK}`);
      expect(leaks(JSON.stringify(others))).toEqual([]);
    }
    expect(service.received.length).toBeGreaterThan(10);
  });

  test('in StatsD packets', () => {
    expect(leaks(packets.join('\n'))).toEqual([]);
    expect(packets.some((packet) => packet.startsWith('vcon.errors.total'))).toBe(true);
  });

  test('in the message of an error of ours', () => {
    const messages = read('errors.txt');
    expect(leaks(messages)).toEqual([]);
    expect(logins).toBeGreaterThan(0);
    expect(databaseLogins).toBeGreaterThan(0);
    for (const code of [
      'CONFIG_INVALID',
      'MODULE_NOT_FOUND',
      'OPTIONS_INVALID',
      'FILE_UNUSABLE',
      'VCON_INVALID',
      'STORE_UNAVAILABLE',
      'LINK_RESULT_INVALID',
      'TIMEOUT',
      'TRACER_FAILED',
    ])
      expect(messages).toContain(` ${code} `);
  });
});

describe('where the demo runs marked vCons from files with marked names, no mark is', () => {
  let demo: Ended;
  let timeline: Ended;
  let picture: Ended;

  beforeAll(async () => {
    const vcons = at('marked');
    await mkdir(vcons);
    const documents = [
      markedVcon(UUID),
      JSON.stringify({
        uuid: `${UUID.slice(0, -1)}2`,
        payload: Buffer.from(markedVcon(UUID)).toString('base64url'),
        signatures: [MARK],
      }),
      JSON.stringify({
        uuid: `${UUID.slice(0, -1)}3`,
        ciphertext: MARK,
        unprotected: MARK,
        recipients: [MARK],
      }),
      ...MARKED_JUNK,
    ];
    for (const [number, text] of documents.entries())
      await writeFile(join(vcons, `${MARK} ${number}.vcon.json`), text);
    demo = await vconOtel(['demo', '--vcons', vcons, '--out', at('demo')]);
    timeline = await vconOtel(['timeline', at('demo'), '--format', 'json']);
    picture = await vconOtel(['timeline', at('demo'), '--format', 'svg']);
  });

  test('in what it prints', () => {
    expect(leaks(demo.stdout + demo.stderr)).toEqual([]);
    expect(demo.code).toBe(0);
    expect(demo.stdout).toContain('Done: 3 vCons');
    expect(demo.stderr).toContain('2 files skipped, vCon is not JSON: by name number ');
  });

  test('in its files, beside the storages that are there to keep the vCons', () => {
    const files = readdirSync(at('demo')).filter((name) => name.endsWith('.jsonl'));
    expect(files).toEqual(['audit.jsonl', 'traces.otlp.jsonl']);
    for (const file of [...files, 'db-audit.db']) expect(leaks(read('demo', file))).toEqual([]);
  });

  test.each([
    ['timeline', () => timeline],
    ['picture', () => picture],
  ])('in its %s', (_, shown) => {
    expect(leaks(shown().stdout + shown().stderr)).toEqual([]);
    expect(shown().stdout).toContain(UUID);
  });
});
