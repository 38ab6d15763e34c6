import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { Feed } from '../../src/page/live/feed.ts';
import { PATIENCE } from '../support/eventually.ts';
import { listen } from './listen.ts';

/** A feed with a change of so many bytes at each beat, on a server of its own. */
async function startFeed(bytes: number) {
  const text = 'x'.repeat(bytes);
  const source = {
    watch: () => {},
    unwatch: () => {},
    snapshot: () => ({ now: 0 }),
    change: () => ({ text }),
  };
  const feed = new Feed(source, systemClock);
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    feed.join(response, request.headers['last-event-id']?.toString());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    feed.close();
    server.closeAllConnections();
    server.close();
  });
  return { feed, port: (server.address() as AddressInfo).port };
}

const soon = (look: () => void) => vi.waitFor(look, PATIENCE);

test('a viewer that does not read is let go, and the others never wait for it', async () => {
  const { feed, port } = await startFeed(400_000);
  const other = await listen(`http://127.0.0.1:${port}`);
  onTestFinished(other.stop);
  const slow = connect(port, '127.0.0.1');
  onTestFinished(() => void slow.destroy());
  slow.on('error', () => {});
  await once(slow, 'connect');
  slow.pause();
  slow.write('GET /api/feed HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await soon(() => expect(feed.viewers).toBe(2));
  await soon(() => expect(feed.viewers).toBe(1));
  const heard = other.messages.length;
  await soon(() => expect(other.messages.length).toBeGreaterThan(heard + 2));
  // None is missing.
  const numbers = other.messages.map(({ id }) => Number(id.split('-')[1]));
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
});

test('who has missed more than is kept is told everything anew', async () => {
  const { port } = await startFeed(800_000);
  const url = `http://127.0.0.1:${port}`;
  const first = await listen(url);
  await soon(() => expect(first.messages.length).toBeGreaterThan(1));
  const last = first.messages.at(-1)?.id ?? '';
  await first.stop();
  const other = await listen(url);
  onTestFinished(other.stop);
  const missed = Number(last.split('-')[1]);
  // Four megabytes are kept.
  await soon(() => expect(Number(other.messages.at(-1)?.id.split('-')[1])).toBeGreaterThan(missed + 8));
  const late = await listen(url, { 'last-event-id': last });
  onTestFinished(late.stop);
  await soon(() => expect(late.messages[0]?.event).toBe('snapshot'));
  const current = other.messages.at(-1)?.id ?? '';
  const quick = await listen(url, { 'last-event-id': current });
  onTestFinished(quick.stop);
  await soon(() => expect(quick.messages[0]?.event).toBe('change'));
});
