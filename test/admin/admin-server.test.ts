import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { type PageHandler, startAdminServer } from '../../src/admin/admin-server.ts';
import { recordLog } from '../exporters/recorded-log.ts';

async function start(pages: Readonly<Record<string, PageHandler>>) {
  const server = await startAdminServer({ path: 'admin', host: '127.0.0.1', port: 0, pages });
  onTestFinished(() => server.close());
  return server;
}

const page: PageHandler = () => ({ status: 200, type: 'text/plain', body: 'here\n' });

test('a path that nobody has is refused with those that there are, also one that every object inherits', async () => {
  const { url } = await start({ '/a': page, '/b': page });
  for (const path of ['/', '/c', '/constructor', '/a/']) {
    const response = await fetch(url + path);
    expect([response.status, await response.json()]).toEqual([404, { error: 'only /a, /b' }]);
  }
});

test('a page that fails is an error, of which nothing is told', async () => {
  const log = recordLog();
  const { url } = await start({
    '/a': () => {
      throw new RangeError('canary');
    },
    '/b': () => Promise.reject(new RangeError('canary')),
  });
  for (const path of ['/a', '/b']) {
    const response = await fetch(url + path);
    expect([response.status, await response.text()]).toEqual([500, '{"error":"it could not be answered"}\n']);
  }
  expect(log.lines).toEqual(
    ['/a', '/b'].map((path) => `vcon-otel/admin ${path} could not be answered: RangeError`),
  );
  log.stop();
});

test('a request that does not come to its end, or brings a body, holds nobody', async () => {
  const { url, close } = await start({ '/a': page });
  const { hostname, port } = new URL(url);
  const slow = connect(Number(port), hostname);
  slow.write('GET /a HTTP/1.1\r\nhost: localhost\r\nx-slow: ');
  const greedy = connect(Number(port), hostname);
  greedy.write('POST /a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n\r\n');
  greedy.write(Buffer.alloc(1024));
  const [answer] = (await once(greedy, 'data')) as [Buffer];
  expect(String(answer)).toMatch(/^HTTP\/1\.1 405 /);
  expect((await fetch(`${url}/a`)).status).toBe(200);
  await close();
  await Promise.all([text(slow), text(greedy)].map((end) => end.catch(() => undefined)));
});

test('a request under way is answered while the server is closed', async () => {
  const answer = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const { url, close } = await start({
    '/slow': async () => {
      asked.resolve();
      await answer.promise;
      return page();
    },
  });
  const response = fetch(`${url}/slow`);
  await asked.promise;
  const closed = close();
  answer.resolve();
  expect(await (await response).text()).toBe('here\n');
  await closed;
});
