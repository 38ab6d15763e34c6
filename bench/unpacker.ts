/** A server that unpacks what it is sent and drops it: what no receiver can be faster than. */
import { createServer } from 'node:http';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

const server = createServer((request, response) => {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  pipeline(request, createGunzip(), nowhere).then(
    () => response.end(),
    () => response.destroy(),
  );
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  process.stdout.write(`http://127.0.0.1:${port}/v1/traces takes anything\n`);
});
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpu: user + system });
});
process.once('SIGTERM', () => process.exit());
