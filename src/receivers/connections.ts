import type { Server, Socket } from 'node:net';
import { limitPeers } from '../incoming/peers.ts';
import { ThrottledLog } from '../model/throttled-log.ts';

/** Bounds the connections of a server, before it listens. @returns those that are open */
export function boundConnections(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  server.maxConnections = MAX_CONNECTIONS;
  limitPeers(server, MAX_OF_A_PEER, log);
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return open;
}

const log = new ThrottledLog('vcon-otel/receivers');

/** Connections at a time; any more are closed as they come. */
const MAX_CONNECTIONS = 2_000;
/** Of one peer; a Collector has a handful, and several may be behind one address. */
const MAX_OF_A_PEER = 256;
