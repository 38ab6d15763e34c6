import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * A Redis that seems to have the RedisJSON module: it stands before a real one, calls every string a
 * `ReJSON-RL`, and answers JSON.GET and JSON.SET from strings. GET and SET of such a key fail as they would.
 */
export async function startRedisJsonFront(redisPort: number) {
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
    redis.on('data', (chunk) =>
      client.write(chunk.toString('latin1').replaceAll('+string\r\n', '+ReJSON-RL\r\n'), 'latin1'),
    );
    let received = '';
    client.on('data', (chunk) => {
      received += chunk.toString('latin1');
      for (let parsed = firstCommand(received); parsed; parsed = firstCommand(received)) {
        received = received.slice(parsed.length);
        redis.write(encode(asString(parsed.command)), 'latin1');
      }
    });
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

function asString([name = '', ...args]: readonly string[]): readonly string[] {
  const [key = '', path = '', text = ''] = args;
  switch (name.toUpperCase()) {
    case 'JSON.GET':
      return ['GET', key];
    case 'JSON.SET':
      return path === '$' ? ['SET', key, text, 'KEEPTTL'] : ['JSON.SET with a wrong path'];
    case 'GET':
    case 'SET':
      return ['LLEN of the wrong type'];
    default:
      return [name, ...args];
  }
}

/** The command a RESP request opens with, or undefined while it is not all there. */
function firstCommand(received: string): { command: string[]; length: number } | undefined {
  let position = 0;
  const number = (): number | undefined => {
    const end = received.indexOf('\r\n', position);
    if (end < 0) return undefined;
    const value = Number(received.slice(position + 1, end));
    position = end + 2;
    return value;
  };
  const count = number();
  if (count === undefined) return undefined;
  const command: string[] = [];
  for (let index = 0; index < count; index++) {
    const length = number();
    if (length === undefined || received.length < position + length + 2) return undefined;
    command.push(received.slice(position, position + length));
    position += length + 2;
  }
  return { command, length: position };
}

function encode(command: readonly string[]): string {
  return `*${command.length}\r\n${command.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`;
}
