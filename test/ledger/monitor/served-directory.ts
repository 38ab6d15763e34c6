import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Act, startServer } from '../../outgoing/misbehaving-server.ts';

/** A web server that serves the files of a directory, or answers as `act` says where that is set for a path, or for all (`*`). */
export async function servedDirectory(directory: string) {
  const acts = new Map<string, Act>();
  const server = await startServer((response, received) => {
    const path = (received.path ?? '').replace('/path/', '');
    const act = acts.get('*') ?? acts.get(path);
    if (act) return act(response, received);
    const file = join(directory, path);
    if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end('not found');
    return response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(readFileSync(file));
  });
  return { ...server, acts };
}
