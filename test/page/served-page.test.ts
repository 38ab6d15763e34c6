import { once } from 'node:events';
import { type IncomingMessage, get as request } from 'node:http';
import { json, text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listen } from './listen.ts';
import { get, kept, openRun, soon, start, UUID } from './started.ts';

/** Somebody who looks from an address. */
async function looking(url: string, localAddress: string) {
  const [response] = (await once(request(url, { localAddress, agent: false }), 'response')) as [
    IncomingMessage,
  ];
  return { response, statusCode: response.statusCode };
}

describe('the page', () => {
  test('nothing on it comes from elsewhere, and no script is in it but the import map', async () => {
    const { adminUrl } = await start();
    const response = await fetch(`${adminUrl}/`);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-[\w+/]{43}='; style-src 'self';/);
    const text = await response.text();
    const addresses = [...text.matchAll(/(?:src|href)="([^"]+)"|"(\.\/page\/lib[^"]+)"/g)].map(
      ([, a, b]) => a ?? b,
    );
    expect(addresses.length).toBeGreaterThan(6);
    for (const address of addresses) {
      const file = await fetch(new URL(address ?? '', `${adminUrl}/`));
      expect([address, file.status]).toEqual([address, 200]);
      expect(file.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  test('all of it, packed, is at most 60 KB', async () => {
    const { adminUrl } = await start();
    const seen = new Set<string>();
    const load = async (path: string): Promise<number> => {
      if (seen.has(path)) return 0;
      seen.add(path);
      const text = await (await fetch(adminUrl + path)).text();
      const inner = [
        ...text.matchAll(/(?:src|href)="\.(\/[^"]+)"|"\.(\/page\/lib[^"]+)"|from '\.(\/[^']+)'/g),
      ].map(([, linked, library, module]) => linked ?? library ?? `/page${module}`);
      const sizes = await Promise.all(inner.map(load));
      return sizes.reduce((all, size) => all + size, gzipSync(text, { level: 9 }).length);
    };
    const size = await load('/');
    expect(seen.size).toBeGreaterThan(30);
    expect(size).toBeLessThan(60_000);
  });

  test('a file that has not changed is not sent again', async () => {
    const { adminUrl } = await start();
    const first = await fetch(`${adminUrl}/page/main.js`);
    const etag = first.headers.get('etag') ?? '';
    const again = await fetch(`${adminUrl}/page/main.js`, { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  test('what is not of the page is not served, whatever a path says', async () => {
    const { adminUrl } = await start();
    for (const path of [
      '/page/',
      '/page/../page.ts',
      '/page/%2e%2e/page.ts',
      '/page/constructor',
      '/package.json',
    ])
      expect((await fetch(adminUrl + path)).status).toBe(404);
    expect((await fetch(`${adminUrl}/`, { method: 'POST' })).status).toBe(405);
  });

  test('`page: false` leaves it out', async () => {
    const { adminUrl } = await start({}, { page: false });
    for (const path of ['/', '/page/main.js', '/api/about', '/api/feed'])
      expect((await fetch(adminUrl + path)).status).toBe(404);
  });
});

describe('with a token', () => {
  const token = 'a-long-and-secret-token';

  test('the page itself can be loaded, and nothing of what it shows', async () => {
    const { adminUrl } = await start({}, { token });
    expect((await fetch(`${adminUrl}/`)).status).toBe(200);
    for (const path of ['/api/about', '/api/feed', '/api/run?id=0123456789abcdef', '/metrics', '/readyz'])
      expect((await fetch(adminUrl + path)).status).toBe(401);
  });

  test('whoever presents it gets a cookie that lets in, that no script can read and no other site can send', async () => {
    const { adminUrl } = await start({}, { token });
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${adminUrl}/api/session`, { method: 'POST', headers });
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^vcon-otel-\d+=[0-9a-f]{64}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(token);
    const [pair = ''] = cookie.split(';');
    expect((await fetch(`${adminUrl}/api/about`, { headers: { cookie: pair } })).status).toBe(200);
    const wrong = pair.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    expect((await fetch(`${adminUrl}/api/about`, { headers: { cookie: wrong } })).status).toBe(401);
  });

  test('a wrong one gets none', async () => {
    const { adminUrl } = await start({}, { token });
    const headers = { authorization: 'Bearer another' };
    const response = await fetch(`${adminUrl}/api/session`, { method: 'POST', headers });
    expect([response.status, response.headers.get('set-cookie')]).toEqual([401, null]);
  });
});

describe('the feed', () => {
  test('shows a run as it begins, goes on and ends', async () => {
    const { adminUrl } = await start();
    const feed = await listen(adminUrl);
    onTestFinished(feed.stop);
    await soon(() =>
      expect(feed.messages[0]).toMatchObject({ event: 'snapshot', data: { running: 0, runs: [] } }),
    );
    const run = openRun();
    const rows = () => feed.messages.flatMap(({ data }) => data.runs ?? []);
    await soon(() =>
      expect(rows().at(-1)).toMatchObject({
        chain: 'intake',
        vcon: UUID,
        outcome: null,
        steps: [['l', 'tag', expect.any(Number), null, null]],
      }),
    );
    await run.end();
    await soon(() =>
      expect(rows().at(-1)).toMatchObject({
        outcome: 'complete',
        duration: expect.any(Number),
        steps: [['l', 'tag', expect.any(Number), expect.any(Number), 'success']],
      }),
    );
    await soon(() =>
      expect(feed.messages.findLast(({ data }) => data.chains)?.data.chains).toMatchObject([
        { chain: 'intake', running: 0 },
      ]),
    );
  });

  test('who comes later is told what is under way, and what has just ended', async () => {
    const { adminUrl } = await start();
    await openRun('before').end();
    const run = openRun();
    const feed = await listen(adminUrl);
    onTestFinished(feed.stop);
    await soon(() =>
      expect(feed.messages[0]?.data.runs).toMatchObject([
        { chain: 'intake', outcome: null },
        { chain: 'before', outcome: 'complete' },
      ]),
    );
    await run.end();
  });

  test('who was cut off goes on after what they heard last; who has heard of another process begins anew', async () => {
    const { adminUrl } = await start();
    const first = await listen(adminUrl);
    await soon(() => expect(first.messages.length).toBeGreaterThan(0));
    const last = first.messages.at(-1)?.id ?? '';
    await first.stop();
    await openRun('missed').end();
    const second = await listen(adminUrl, { 'last-event-id': last });
    onTestFinished(second.stop);
    await soon(() =>
      expect(second.messages.flatMap(({ data }) => data.runs ?? [])).toMatchObject([{ chain: 'missed' }]),
    );
    expect(second.messages.every(({ event }) => event === 'change')).toBe(true);
    const other = await listen(adminUrl, { 'last-event-id': '00000000-1' });
    onTestFinished(other.stop);
    await soon(() => expect(other.messages[0]?.event).toBe('snapshot'));
  });

  test.each(['/api/feed', `/api/follow?uuid=${UUID}`])(
    'there is a limit to those who look at %s, and to those of one peer; the end of the service ends them',
    async (path) => {
      const service = await start();
      const look = (count: number, localAddress: string) =>
        Promise.all(Array.from({ length: count }, () => looking(service.adminUrl + path, localAddress)));
      const refused = async (localAddress: string) => {
        const { response, statusCode } = await looking(service.adminUrl + path, localAddress);
        return [statusCode, await json(response)];
      };
      const feeds = await look(75, '127.0.0.1');
      expect(await refused('127.0.0.1')).toEqual([503, { error: '75 look from this address already' }]);
      feeds.push(...(await look(25, '127.0.0.2')));
      expect(new Set(feeds.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
      expect(await refused('127.0.0.3')).toEqual([503, { error: '100 look already' }]);
      expect((await fetch(`${service.adminUrl}/healthz`)).status).toBe(200);
      // Who leaves makes room for another.
      feeds.shift()?.response.destroy();
      await soon(async () => {
        const another = await looking(service.adminUrl + path, '127.0.0.1');
        feeds.push(another);
        expect(another.statusCode).toBe(200);
      });
      const ended = feeds.map(({ response }) => text(response).catch(() => undefined));
      await service.shutdown();
      await Promise.all(ended);
    },
  );
});

describe('a run', () => {
  test('is shown while it goes on, and with what tracers heard of it from the journal', async () => {
    const service = await start(kept());
    const { adminUrl } = service;
    const run = openRun();
    const feed = await listen(adminUrl);
    await soon(() => expect(feed.messages.length).toBeGreaterThan(0));
    const { id } = feed.messages[0]?.data.runs[0] ?? {};
    await feed.stop();
    expect(await get(`${adminUrl}/api/run?id=${id}`)).toMatchObject({
      id,
      duration: null,
      steps: [{ name: 'tag', outcome: null }],
    });
    await run.end();
    await service.forceFlush();
    await soon(async () =>
      expect((await get(`${adminUrl}/api/run?id=${id}`)).heard).toMatchObject([
        { event: 'chain_start', step: null, tracer: 'audit', state: 'ok', attempts: 1 },
        { event: 'link_start', step: 0, state: 'ok' },
        { event: 'link_complete', step: 0, state: 'ok' },
        { event: 'chain_complete', step: null, state: 'ok' },
      ]),
    );
  });

  test('is there after a restart, by its id, its vCon and what it was like', async () => {
    const config = kept();
    const before = await start(config);
    await openRun().end();
    await before.shutdown();
    const { adminUrl } = await start(config);
    const { runs } = await get(`${adminUrl}/api/vcon?uuid=${UUID}`);
    expect(runs).toMatchObject([{ chain: 'intake', outcome: 'complete' }]);
    expect(await get(`${adminUrl}/api/run?id=${runs[0].id}`)).toMatchObject({
      vcon: UUID,
      outcome: 'complete',
    });
    const found = async (query: string) => (await get(`${adminUrl}/api/search?${query}`)).runs.length;
    for (const [query, count] of [
      ['chain=intake', 1],
      ['chain=other', 0],
      ['outcome=complete', 1],
      ['outcome=error', 0],
      ['step=tag', 1],
      ['vcon=0191E5A0', 1],
      ['vcon=1', 0],
      [`since=${Date.now() + 60_000}`, 0],
    ] as const)
      expect([query, await found(query)]).toEqual([query, count]);
  });

  test('is found by what it is like where the journal is in memory, too', async () => {
    const { adminUrl } = await start({ journal: { type: 'memory' } });
    await openRun('before').end();
    const run = openRun();
    const found = async (query: string) => (await get(`${adminUrl}/api/search?${query}`)).runs;
    await soon(async () => expect(await found('')).toMatchObject([{ chain: 'intake' }, { chain: 'before' }]));
    expect(await found('outcome=running')).toMatchObject([{ chain: 'intake' }]);
    expect(await found('step=tag&chain=before')).toMatchObject([{ outcome: 'complete' }]);
    expect(await found('vcon=1')).toEqual([]);
    await run.end();
  });

  test('leads to its trace wherever the configuration says, and tells how long its vCon waited', async () => {
    const trace_urls = { Jaeger: 'http://jaeger.example/trace/{traceId}' };
    const { adminUrl } = await start(kept(), { trace_urls });
    await openRun().end();
    const { runs } = await get(`${adminUrl}/api/vcon?uuid=${UUID}`);
    const run = await get(`${adminUrl}/api/run?id=${runs[0].id}`);
    expect(run).toMatchObject({
      waited: null,
      trace_urls: [{ name: 'Jaeger', url: `http://jaeger.example/trace/${run.trace_id}` }],
    });
  });

  test('that nobody knows is none, and what is no id is refused with what one is', async () => {
    const { adminUrl } = await start(kept());
    const response = await fetch(`${adminUrl}/api/run?id=0123456789abcdef`);
    expect([response.status, await response.json()]).toEqual([
      404,
      { error: 'no such run is under way, or kept in the journal' },
    ]);
    expect((await fetch(`${adminUrl}/api/run?id=x`)).status).toBe(422);
    expect((await fetch(`${adminUrl}/api/vcon?uuid=%0a`)).status).toBe(422);
  });
});

describe('a vCon that is followed', () => {
  test('is told from its first run on, whenever that begins', async () => {
    const { adminUrl } = await start();
    const feed = await listen(adminUrl, {}, `/api/follow?uuid=${UUID}`);
    onTestFinished(feed.stop);
    await soon(() => expect(feed.messages[0]?.data.runs).toEqual([]));
    const run = openRun();
    const last = () => feed.messages.flatMap(({ data }) => data.runs).at(-1);
    await soon(() =>
      expect(last()).toMatchObject({ duration: null, steps: [{ name: 'tag', duration: null }] }),
    );
    await run.end();
    await soon(() => expect(last()).toMatchObject({ outcome: 'complete', steps: [{ outcome: 'success' }] }));
    const second = await listen(adminUrl, {}, `/api/follow?uuid=${UUID}`);
    onTestFinished(second.stop);
    await soon(() => expect(second.messages[0]?.data.runs).toMatchObject([{ outcome: 'complete' }]));
    expect((await fetch(`${adminUrl}/api/follow?uuid=%0a`)).status).toBe(422);
  });
});
