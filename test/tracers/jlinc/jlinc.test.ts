import { hash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import canonicalize from 'canonicalize';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeyStore } from '../../../src/ledger/index.ts';
import { retryHints } from '../../../src/model/delivery-error.ts';
import { errorType } from '../../../src/model/error.ts';
import type { EventContext, Options } from '../../../src/model/tracer.ts';
import { memoryVconStore } from '../../../src/vcon-store/memory.ts';
import { startServer } from '../../outgoing/misbehaving-server.ts';
import { eventContext, linkContext, started } from '../started.ts';
import { type Fault, JlincServer } from './jlinc-server.ts';
import { keptReceipts } from './kept-receipts.ts';

const UUID = '018f0000-0000-8000-8000-000000000001';
const OTHER = '018f0000-0000-8000-8000-000000000002';
const KEY = 'kanari-store-key';
const TEXT = '{"uuid": "018f0000-0000-8000-8000-000000000001", "kanari": 1.0, "é": 12345678901234567890}';
/** The start of chain `main`, before links `transcribe` and `analyze`. */
const start = eventContext();

let server: JlincServer;
let directory: string;
const vcons = memoryVconStore();
const open: { shutdown(): Promise<unknown> }[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-jlinc-'));
  server = await new JlincServer().start();
  await vcons.write(UUID, TEXT);
});

afterEach(async () => {
  for (const tracer of open.splice(0)) await tracer.shutdown();
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

async function tracer(options: Options = {}) {
  const made = await started(
    'tracers.jlinc',
    {
      data_store_api_url: server.url,
      data_store_api_key: KEY,
      allow_private_hosts: ['127.0.0.1'],
      directory,
      ...options,
    },
    vcons,
  );
  open.push(made);
  return made;
}

const afterLink = (index: number, facts: Partial<EventContext> = {}) =>
  linkContext({ eventId: `00f067aa0ba902b7/link/${index}/complete`, linkIndex: index, ...facts });

/** Whatever a call threw: its type, and what the bridge is told. */
async function failure(call: Promise<unknown>) {
  try {
    await call;
  } catch (error) {
    const shown = `${error}${JSON.stringify(error)}${error instanceof Error ? error.stack : ''}`;
    expect(shown).not.toMatch(/kanari/i);
    return { type: errorType(error), ...retryHints(error) };
  }
  return undefined;
}

describe('an event', () => {
  test('is produced as documented, and its receipt is kept', async () => {
    const { run } = await tracer({ archive_api_url: 'http://archive:1', archive_api_key: 'archive-key' });
    await run(UUID, UUID, -1, start);
    const data = { hash: hash('sha256', canonicalize(JSON.parse(TEXT)) ?? ''), alg: 'sha256', canon: 'jcs' };
    const record_id = expect.stringMatching(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(server.calls.map(({ call }) => call).sort()).toEqual([
      'entity/create',
      'entity/create',
      'entity/domains/get',
      'entity/get',
      'entity/get',
      'event/produce',
    ]);
    expect(server.events).toEqual([
      {
        type: 'data',
        senderShortName: 'vcontest-system@vcon.local',
        recipientShortName: 'vcontest-transcribe@vcon.local',
        agreementId: '00000000-0000-0000-0000-000000000000',
        data,
        meta: { in_vcon_uuid: UUID, out_vcon_uuid: UUID, record_id },
        archive: { url: 'http://archive:1', key: 'archive-key' },
      },
    ]);
    expect([...server.authorizations]).toEqual([`Bearer ${KEY}`]);
    expect(keptReceipts(directory)).toEqual([
      expect.objectContaining({
        v: 1,
        record_id: server.events[0]?.meta.record_id,
        tracer: 'mine',
        event_id: start.eventId,
        trace_id: start.spanContext.traceId,
        chain: 'main',
        link_index: -1,
        in_vcon_uuid: UUID,
        out_vcon_uuid: UUID,
        sender: expect.objectContaining({ shortName: 'vcontest-system@vcon.local' }),
        created: expect.objectContaining({ data }),
      }),
    ]);
  });

  test('goes from system to link to link to system', async () => {
    const { run } = await tracer({ system_prefix: 'Acme Corp' });
    await run(UUID, UUID, -1, start);
    await run(UUID, OTHER, 0, afterLink(0)).catch(() => undefined);
    await vcons.write(OTHER, '{}');
    await run(UUID, OTHER, 0, afterLink(0));
    await run(OTHER, OTHER, 1, afterLink(1));
    expect(server.events.map((event) => [event.senderShortName, event.recipientShortName])).toEqual([
      ['acme_corp-system@vcon.local', 'acme_corp-transcribe@vcon.local'],
      ['acme_corp-transcribe@vcon.local', 'acme_corp-analyze@vcon.local'],
      ['acme_corp-analyze@vcon.local', 'acme_corp-system@vcon.local'],
    ]);
    expect(server.events[1]?.meta).toMatchObject({ in_vcon_uuid: UUID, out_vcon_uuid: OTHER });
  });

  test('says whether its link let the vCon go on, as far as that is known', async () => {
    const { run } = await tracer();
    await run(UUID, UUID, 0, { ...afterLink(0), outcome: 'halt' });
    await run(UUID, UUID, 1, { ...afterLink(1), outcome: 'unknown', inferred: ['outcome'] });
    expect(server.events.map(({ meta }) => [meta.outcome, meta.inferred])).toEqual([
      ['halt', undefined],
      ['unknown', ['outcome']],
    ]);
  });

  test('that comes again has the same record id; others have others', async () => {
    const { run } = await tracer();
    for (const context of [
      start,
      start,
      afterLink(0),
      afterLink(1),
      eventContext({ eventId: 'other/chain/main/start' }),
    ])
      await run(UUID, UUID, context.linkIndex ?? -1, context);
    const ids = server.events.map(({ meta }) => meta.record_id);
    expect(new Set(ids).size).toBe(4);
    expect(ids[0]).toBe(ids[1]);
  });

  test.each([
    ['jcs', { alg: 'sha256', canon: 'jcs' }],
    ['python-compat', { alg: 'sha256', canon: 'python-compat' }],
  ])('carries a hash (%s) and no document', async (mode, said) => {
    const { run } = await tracer({ hash: mode });
    await run(UUID, UUID, -1, start);
    expect(server.events[0]?.data).toEqual({ hash: expect.stringMatching(/^[0-9a-f]{64}$/), ...said });
  });

  test('carries a hash with a key of its vCon (hmac)', async () => {
    const ledger_directory = join(directory, 'ledger');
    const { run } = await tracer({ hash: 'hmac', ledger_directory });
    await vcons.write(OTHER, TEXT);
    await run(UUID, UUID, -1, start);
    await run(UUID, OTHER, 0, afterLink(0));
    await run(OTHER, UUID, 1, afterLink(1));
    const hashes = server.events.map(({ data }) => data);
    expect(hashes[0]).toEqual({
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      alg: 'hmac-sha256',
      canon: 'jcs',
    });
    expect(hashes[2]).toEqual(hashes[0]);
    expect(hashes[1]).not.toEqual(hashes[0]);
    // As `vcon-otel audit shred` does it.
    new KeyStore(ledger_directory).destroy(UUID);
    await run(OTHER, UUID, 1, afterLink(1));
    expect(server.events.at(-1)?.data).toEqual({ hash: null, alg: 'hmac-sha256', canon: 'jcs' });
  });

  test('carries the document where it is not to be hashed, and the receipt does not', async () => {
    const { run } = await tracer({ hash_event_data: false });
    await run(UUID, UUID, -1, start);
    expect(server.events[0]?.data).toEqual(JSON.parse(TEXT));
    const [receipt] = keptReceipts(directory);
    expect(JSON.stringify(receipt)).not.toContain('kanari');
    expect(receipt?.created).toMatchObject({ data: { alg: 'sha256', canon: 'jcs' } });
  });
});

describe('the Python tracer’s mapping (entity_mapping: upstream)', () => {
  test('takes the link before as the sender, and the last one for the first', async () => {
    const { run } = await tracer({ entity_mapping: 'upstream' });
    const links = ['a', 'B b', 'ç/😀'];
    for (const index of [-1, 0, 1, 2])
      await run(UUID, UUID, index, index < 0 ? eventContext({ links }) : afterLink(index, { links }));
    const name = (event: string) => event.replace(/^vcontest-(.*)@vcon\.local$/, '$1');
    expect(
      server.events.map((event) => [name(event.senderShortName), name(event.recipientShortName)]),
    ).toEqual([
      ['system', 'a'],
      ['___', 'b_b'],
      ['a', '___'],
      ['b_b', 'system'],
    ]);
  });
});

describe('an entity', () => {
  test('is fetched once, however many ask for it at once', async () => {
    const { run } = await tracer();
    const contexts = Array.from({ length: 50 }, (_, i) => eventContext({ eventId: `${i}/chain/main/start` }));
    await Promise.all(contexts.map((context) => run(UUID, UUID, -1, context)));
    const about = server.calls.filter(({ call }) => call !== 'event/produce');
    expect(about.length).toBe(5);
    expect(server.events.length).toBe(50);
  });

  test('is not known to another instance', async () => {
    for (const { run } of [await tracer(), await tracer()]) await run(UUID, UUID, -1, start);
    expect(server.calls.filter(({ call }) => call === 'entity/get').length).toBe(4);
    expect(server.calls.filter(({ call }) => call === 'entity/create').length).toBe(2);
  });

  test('is taken as it is where somebody else has made it in the meantime', async () => {
    let gets = 0;
    server.misbehave = ({ call, about }) => {
      if (call === 'entity/create' && !server.entities.includes(about)) server.create(about);
      gets += call === 'entity/get' ? 1 : 0;
      return undefined;
    };
    const { run } = await tracer();
    await run(UUID, UUID, -1, start);
    expect(gets).toBe(4);
    expect(keptReceipts(directory).length).toBe(1);
  });

  test('is forgotten when a thousand others came after it', async () => {
    const { run } = await tracer();
    const links = (link: string) => eventContext({ eventId: `${link}/chain/main/start`, links: [link] });
    const names = Array.from({ length: 1_000 }, (_, link) => `l${link}`);
    // Not all at once: each request has a time limit, however busy the machine is.
    for (let i = 0; i < names.length; i += 50)
      await Promise.all(names.slice(i, i + 50).map((name) => run(UUID, UUID, -1, links(name))));
    await run(UUID, UUID, -1, links('l0'));
    await run(UUID, UUID, -1, links('l999'));
    const times = (link: string) =>
      server.calls.filter(({ call, about }) => call === 'entity/get' && about.includes(`-${link}@`)).length;
    expect([times('l0'), times('l999'), times('system')]).toEqual([2, 1, 1]);
  });
});

describe('what goes wrong', () => {
  const always = (fault: Fault) => {
    server.misbehave = ({ call }) => (call === 'event/produce' ? { fault } : undefined);
  };

  test.each([
    [500, 'HTTP_500'],
    [429, 'HTTP_429'],
    ['reset', 'ECONNRESET'],
    ['hang up', 'UND_ERR_SOCKET'],
    ['cut short', 'UND_ERR_SOCKET'],
    ['gzip bomb', 'ANSWER_TOO_LARGE'],
  ] as const)('is retried without end: %s', async (fault, type) => {
    always(fault);
    const { run } = await tracer();
    for (let attempt = 0; attempt < 5; attempt += 1)
      expect(await failure(run(UUID, UUID, -1, start))).toEqual({ type, permanent: false, retryAfter: 0 });
    server.misbehave = () => undefined;
    expect(await failure(run(UUID, UUID, -1, start))).toBeUndefined();
  });

  test.each([
    [401, 'HTTP_401'],
    [403, 'HTTP_403'],
    [404, 'HTTP_404'],
    ['html', 'NOT_JSON'],
    ['truncated json', 'NOT_JSON'],
  ] as const)('is permanent the third time: %s', async (fault, type) => {
    always(fault);
    const { run } = await tracer();
    const failures = [];
    for (let attempt = 0; attempt < 4; attempt += 1) failures.push(await failure(run(UUID, UUID, -1, start)));
    expect(failures.map((one) => one?.type)).toEqual([type, type, type, type]);
    // The fourth is an event that is made again by hand: it begins anew.
    expect(failures.map((one) => one?.permanent)).toEqual([false, false, true, false]);
  });

  test('is counted for each event and each request of it', async () => {
    const left: Partial<Record<string, number>> = {
      'entity/domains/get': 2,
      'entity/get': 2,
      'event/produce': 2,
    };
    server.misbehave = ({ call }) => {
      const count = left[call] ?? 0;
      left[call] = count - 1;
      return count > 0 ? { fault: 403 } : undefined;
    };
    const { run } = await tracer();
    const failures = [];
    do failures.push(await failure(run(UUID, UUID, -1, start)));
    while (failures.at(-1) && failures.length < 20);
    expect(failures.length).toBeGreaterThanOrEqual(6);
    expect(failures.some((one) => one?.permanent)).toBe(false);
    expect(keptReceipts(directory).length).toBe(1);
  });

  test.each([
    ['no domains', 'NO_DOMAIN'],
    ['no didDoc', 'NO_ENTITY'],
  ] as const)('is retried, and is well when the data store is: %s', async (fault, type) => {
    server.misbehave = ({ call }) =>
      call.startsWith('entity/') && (fault === 'no didDoc') !== call.startsWith('entity/domains')
        ? { fault }
        : undefined;
    const { run } = await tracer();
    for (let attempt = 0; attempt < 4; attempt += 1)
      expect(await failure(run(UUID, UUID, -1, start))).toMatchObject({ type, permanent: false });
    server.misbehave = () => undefined;
    expect(await failure(run(UUID, UUID, -1, start))).toBeUndefined();
  });

  test('waits as long as the data store asks for', async () => {
    const busy = await startServer((response) => response.writeHead(503, { 'retry-after': '17' }).end());
    const { run } = await tracer({ data_store_api_url: busy.url.origin });
    expect(await failure(run(UUID, UUID, -1, start))).toEqual({
      type: 'HTTP_503',
      permanent: false,
      retryAfter: 17,
    });
    await busy.close();
  });

  test('a receipt that does not verify is permanent, and not kept', async () => {
    server.forge = (answer) => ({
      ...answer,
      created: { ...(answer.created as object), data: { hash: 'other' } },
    });
    const { run } = await tracer();
    expect(await failure(run(UUID, UUID, -1, start))).toMatchObject({
      type: 'RECEIPT_INVALID',
      permanent: true,
    });
    expect(keptReceipts(directory)).toEqual([]);
  });

  test('a vCon that is gone, or no JSON, is permanent', async () => {
    const { run } = await tracer();
    expect(await failure(run(UUID, 'gone', -1, start))).toMatchObject({
      type: 'VCON_MISSING',
      permanent: true,
    });
    for (const hash of ['jcs', 'python-compat'])
      for (const text of ['{"kanari"', '{"kanari": "\\ud800"}', '[1e999]']) {
        await vcons.write(OTHER, text);
        const found = await failure((await tracer({ hash })).run(UUID, OTHER, -1, start));
        // Python has no objection to half a surrogate pair and to infinity.
        if (hash === 'jcs' || text === '{"kanari"')
          expect(found).toMatchObject({ type: 'VCON_INVALID', permanent: true });
        else expect(found).toBeUndefined();
      }
  });

  test('a document that is too large to be echoed is permanent, but can be hashed', async () => {
    await vcons.write(OTHER, JSON.stringify('x'.repeat(4_000_000)));
    const whole = await tracer({ hash_event_data: false });
    expect(await failure(whole.run(UUID, OTHER, -1, start))).toMatchObject({
      type: 'VCON_TOO_LARGE',
      permanent: true,
    });
    expect(await failure((await tracer()).run(UUID, OTHER, -1, start))).toBeUndefined();
  });

  test('a private address that is not allowed is not connected to', async () => {
    const { run } = await tracer({ allow_private_hosts: [] });
    expect(await failure(run(UUID, UUID, -1, start))).toMatchObject({
      type: 'ADDRESS_REFUSED',
      permanent: false,
    });
    expect(server.calls).toEqual([]);
  });

  test('a store that does not answer is retried', async () => {
    const broken = { ...vcons, read: () => Promise.reject(new Error('kanari')) };
    const made = await started('tracers.jlinc', { data_store_api_url: server.url, directory }, broken);
    open.push(made);
    await expect(made.run(UUID, UUID, -1, start)).rejects.toThrow('kanari');
  });
});

describe('options', () => {
  const refused = (options: Options) => tracer(options).then(String, (error: Error) => error.message);

  test.each([
    [{ data_store_api_url: 'ftp://kanari' }, 'data_store_api_url: expected an http or https url'],
    [
      { data_store_api_url: 'https://kanari:kanari@host' },
      'data_store_api_url: expected an http or https url',
    ],
    [{ archive_api_url: 'http://host/?key=kanari' }, 'archive_api_url: expected an http or https url'],
    [{ data_store_api_key: 'kanari\nx: y' }, 'data_store_api_key: expected visible ASCII characters'],
    [
      { hash: 'hmac' },
      "ledger_directory: is required: with hash: hmac, the directory of a compliance tracer's ledger",
    ],
    [{ hash: 'md5' }, 'hash: expected one of jcs, hmac, python-compat'],
    [{ hash_key: 'kanari' }, 'hash_key: unknown option; there are data_store_api_url,'],
  ])('that make no sense are refused by name, unquoted: %o', async (options, message) => {
    const text = await refused(options);
    expect(text).toContain(`tracers.mine.options`);
    expect(text).toContain(message);
    expect(text).not.toContain('kanari');
  });

  test('a directory that cannot be used is refused', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    expect(await refused({ directory: file })).toMatch(/options\.directory: cannot write files there: \w+/);
  });

  test('the files of receipts are for the owner alone', async () => {
    const { run } = await tracer();
    await run(UUID, UUID, -1, start);
    const [file = ''] = await readdir(directory);
    expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
  });
});
