import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A Redis that seems to be older than 7.0: it stands before a real one and hides what XINFO STREAM has told since. */
export async function startRedis6Front(redisPort: number) {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const redis = connect(redisPort, '127.0.0.1');
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
    }
    client.once('close', () => redis.destroy());
    redis.once('close', () => client.destroy());
    client.pipe(redis);
    redis.on('data', (chunk) =>
      client.write(chunk.toString('latin1').replaceAll('entries-added', 'entries-xxxxx'), 'latin1'),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `redis://127.0.0.1:${address.port}`,
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
