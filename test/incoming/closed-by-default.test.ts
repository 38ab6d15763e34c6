import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type AdminAddress, startAdminServer } from '../../src/admin/admin-server.ts';
import { type ConfigError, parseConfig } from '../../src/config/load-config.ts';
import { recordLog } from '../exporters/recorded-log.ts';
import { eventually } from '../support/eventually.ts';
import { startReceiver } from '../support/receiver.ts';

async function startAdmin(settings: Partial<AdminAddress> = {}) {
  const pages = { '/healthz': () => ({ status: 200, type: 'text/plain', body: 'well' }) };
  const server = await startAdminServer({ path: 'admin', host: '127.0.0.1', port: 0, ...settings, pages });
  onTestFinished(() => server.close());
  return server;
}

/** The status of an answer to a request with headers, or a target, that `fetch` would not send. */
async function statusOf(
  url: string,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
  target: { readonly path?: string } = {},
): Promise<number> {
  const asked = request(url, { headers, method, ...target });
  asked.end();
  const [answer] = await once(asked, 'response');
  answer.resume();
  return answer.statusCode;
}

describe('an address that other machines reach', () => {
  const sections = {
    'receivers.http': (options: object) => ({ receivers: { http: options } }),
    'receivers.grpc': (options: object) => ({ receivers: { grpc: options } }),
    'exporters.prometheus': (options: object) => ({ exporters: { prometheus: options } }),
    admin: (options: object) => ({ admin: options }),
    health: (options: object) => ({ health: options }),
  };
  const faultsOf = (config: object) => {
    try {
      parseConfig(config, {});
      return [];
    } catch (error) {
      return (error as ConfigError).faults.map(({ path }) => path);
    }
  };
  const tls = { cert: 'c', key: 'k' };

  describe.each(Object.entries(sections))('of %s', (path, configOf) => {
    test.each(['0.0.0.0', '::', '192.0.2.1', 'adapter.example', '2001:db8::1'])(
      '%s is refused without a token, unless it is written that anybody may come in',
      (host) => {
        expect(faultsOf(configOf({ host }))).toEqual([`${path}.host`]);
        expect(faultsOf(configOf({ host, token: '' }))).toEqual([`${path}.host`]);
        expect(faultsOf(configOf({ host, token: 'a token' }))).toEqual([]);
        expect(faultsOf(configOf({ host, allow_anonymous: true }))).toEqual([]);
      },
    );

    test.each(['127.0.0.1', '127.9.9.9', '::1', 'localhost'])('%s is not one', (host) =>
      expect(faultsOf(configOf({ host }))).toEqual([]),
    );
  });

  test('of the receiver may ask for certificates instead; TLS alone asks for nothing', () => {
    const of = sections['receivers.http'];
    expect(faultsOf(of({ host: '0.0.0.0', tls: { ...tls, client_ca: 'ca' } }))).toEqual([]);
    expect(faultsOf(of({ host: '0.0.0.0', tls }))).toEqual(['receivers.http.host']);
    expect(faultsOf(of({ host: '0.0.0.0', tokens: { one: 'a token' } }))).toEqual([]);
    expect(faultsOf(of({ host: '0.0.0.0', tokens: {} }))).toEqual(['receivers.http.host']);
  });
});

describe('whoever knows us by another name', () => {
  const foreign = [
    'evil.example',
    'evil.example:80',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'a b',
  ];
  const ours = [
    'localhost',
    'LOCALHOST:4418',
    '127.0.0.1:1',
    '[::1]:80',
    '192.0.2.7',
    'adapter',
    'adapter.:4418',
  ];

  test('is refused by the pages for operators', async () => {
    const { url } = await startAdmin({ allowed_hosts: ['adapter'] });
    for (const host of foreign)
      expect([host, await statusOf(`${url}/healthz`, { host })]).toEqual([host, 403]);
    for (const host of ours) expect([host, await statusOf(`${url}/healthz`, { host })]).toEqual([host, 200]);
    for (const origin of ['http://evil.example', 'null', 'x'])
      expect([origin, await statusOf(`${url}/healthz`, { origin })]).toEqual([origin, 403]);
    expect(await statusOf(`${url}/healthz`, { origin: 'http://localhost:3000' })).toBe(200);
  });

  test('is refused by every path of the receiver, with a token too', async () => {
    const { url } = await startReceiver({ token: 'a token', hosts: ['adapter'] });
    const headers = { authorization: 'Bearer a token', 'content-type': 'application/json' };
    for (const path of ['/v1/traces', '/v1/metrics', '/v1/logs', '/v1/bridge', '/']) {
      for (const host of foreign)
        expect([host, await statusOf(url + path, { ...headers, host }, 'POST')]).toEqual([host, 403]);
      expect(await statusOf(url + path, { ...headers, origin: 'http://evil.example' }, 'POST')).toBe(403);
    }
    for (const host of ours)
      expect([host, await statusOf(`${url}/v1/logs`, { ...headers, host }, 'POST')]).toEqual([host, 200]);
  });
});

describe('a target in absolute form', () => {
  const foreign = ['http://evil.example', 'https://evil.example:80', 'http://localhost@evil.example'];
  const ours = ['http://localhost', 'http://127.0.0.1:1', 'http://[::1]', 'http://adapter'];

  test.each([
    [
      'the pages for operators',
      '/healthz',
      async () => (await startAdmin({ allowed_hosts: ['adapter'] })).url,
    ],
    ['the receiver', '/v1/logs', async () => (await startReceiver({ hosts: ['adapter'] })).url],
  ])('has to name %s too', async (_name, path, start) => {
    const url = await start();
    const method = path === '/healthz' ? 'GET' : 'POST';
    for (const host of foreign)
      expect([host, await statusOf(url, {}, method, { path: host + path })]).toEqual([host, 403]);
    for (const host of ours)
      expect([host, await statusOf(url, {}, method, { path: host + path })]).not.toEqual([host, 403]);
    expect(await statusOf(url, {}, 'PUT', { path: `http://localhost${path}?a` })).toBe(405);
    const named = { host: 'evil.example' };
    expect(await statusOf(url, named, method, { path: `http://localhost${path}` })).toBe(403);
  });
});

test('pages for operators may ask for a token', async () => {
  const { url } = await startAdmin({ token: 'a token' });
  expect(await statusOf(`${url}/healthz`, {})).toBe(401);
  expect(await statusOf(`${url}/healthz`, { authorization: 'Bearer another' })).toBe(401);
  expect(await statusOf(`${url}/healthz`, { authorization: 'Bearer a token' })).toBe(200);
});

test('every token of several lets in', async () => {
  const { post } = await startReceiver({ token: 'zero', tokens: { one: 'first', two: 'second' } });
  const status = async (token: string) =>
    (await post('/v1/logs', '', { authorization: `Bearer ${token}` })).status;
  expect(await Promise.all(['zero', 'first', 'second', 'one', ''].map(status))).toEqual([
    200, 200, 200, 401, 401,
  ]);
});

describe('one connection', () => {
  test.each([
    ['the receiver', async () => (await startReceiver()).url],
    ['the pages for operators', async () => (await startAdmin()).url],
  ])(
    'that asks %s for more than ten things without waiting is closed, unless it waits',
    async (_name, start) => {
      const { port } = new URL(await start());
      const ask = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
      const answersTo = async (requests: number) => {
        const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8');
        onTestFinished(() => void socket.destroy());
        let answers = 0;
        let isClosed = false;
        socket.on('data', (text: string) => {
          answers += text.split('HTTP/1.1 ').length - 1;
        });
        socket
          .on('error', () => undefined)
          .once('close', () => {
            isClosed = true;
          });
        socket.write(ask.repeat(requests));
        await eventually(
          'all answers, or the end',
          async () => isClosed || answers === requests || undefined,
        );
        return isClosed ? 'closed' : answers;
      };
      expect(await answersTo(10)).toBe(10);
      expect(await answersTo(2_000)).toBe('closed');
    },
  );
});

describe('one peer', () => {
  test.each([
    ['the receiver', 256, async () => (await startReceiver()).url],
    ['the pages for operators', 25, async () => (await startAdmin()).url],
  ])(
    'does not take all connections of %s, and whoever comes from elsewhere is served',
    async (_name, most, start) => {
      const log = recordLog();
      onTestFinished(() => log.stop());
      const url = await start();
      const { port } = new URL(url);
      let closed = 0;
      const sockets = Array.from({ length: most + 20 }, () => {
        const socket = connect(Number(port), '127.0.0.1').resume();
        socket
          .on('error', () => undefined)
          .once('close', () => {
            closed += 1;
          });
        return socket;
      });
      onTestFinished(() => {
        for (const socket of sockets) socket.destroy();
      });
      await eventually('those beyond the limit are closed', async () => closed >= 20 || undefined);
      expect(sockets.filter((socket) => !socket.destroyed)).toHaveLength(most);
      // Another address of this machine is another peer.
      const other = connect({ port: Number(port), host: '127.0.0.1', localAddress: '127.0.0.2' });
      other.write('GET /nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
      const [answer] = (await once(other, 'data')) as [Buffer];
      expect(String(answer)).toMatch(/^HTTP\/1\.1 404 /);
      expect(log.lines.some((line) => line.includes('a peer has'))).toBe(true);
    },
  );
});
