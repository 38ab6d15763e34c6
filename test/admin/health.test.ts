import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startAdminServer } from '../../src/admin/admin-server.ts';
import { healthPages, type Readiness } from '../../src/admin/health.ts';

async function start(readiness: () => Readiness = () => ({ ready: true, details: {} }), host = '127.0.0.1') {
  const health = await startAdminServer({ path: 'health', host, port: 0, pages: healthPages(readiness) });
  onTestFinished(() => health.close());
  return health;
}

test('/healthz says that the process runs, ready or not', async () => {
  const { url } = await start(() => ({ ready: false, details: {} }));
  const response = await fetch(`${url}/healthz`);
  expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
});

test('/readyz says whether the service is ready, and why, as it is at the time', async () => {
  let ready = true;
  const { url } = await start(() => ({ ready, details: { events: 7 } }));
  const first = await fetch(`${url}/readyz`);
  expect([first.status, await first.json()]).toEqual([200, { status: 'ready', events: 7 }]);
  ready = false;
  const second = await fetch(`${url}/readyz`);
  expect([second.status, await second.json()]).toEqual([503, { status: 'not ready', events: 7 }]);
});

test('no answer is kept by a proxy', async () => {
  const { url } = await start();
  const { headers } = await fetch(`${url}/readyz`);
  expect([headers.get('cache-control'), headers.get('content-type')]).toEqual([
    'no-store',
    'application/json',
  ]);
});

test.each([
  ['HEAD', '/healthz', 200],
  ['POST', '/healthz', 405],
  ['GET', '/', 404],
  ['GET', '/healthz/../etc', 404],
])('%s %s is answered with %i', async (method, path, status) => {
  const { url } = await start();
  expect((await fetch(url + path, { method })).status).toBe(status);
});

test('a port that is taken is refused, naming it', async () => {
  const { url } = await start();
  const port = Number(new URL(url).port);
  await expect(
    startAdminServer({ path: 'health', host: '127.0.0.1', port, pages: {} }),
  ).rejects.toMatchObject({
    code: 'ADDRESS_UNAVAILABLE',
    path: 'health',
    message: `health: cannot listen on 127.0.0.1 port ${port}: EADDRINUSE, another program has it, perhaps another vcon-otel: end that one, or set port to another (0: any free one)`,
  });
});

test('close is safe twice and waits for nobody', async () => {
  const health = await start();
  const silent = connect(Number(new URL(health.url).port), '127.0.0.1');
  await once(silent, 'connect');
  await Promise.all([health.close(), health.close()]);
  await health.close();
  await expect(fetch(`${health.url}/healthz`)).rejects.toThrow();
});
