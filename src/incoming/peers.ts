import type { Server, Socket } from 'node:net';
import { isIPv6 } from 'node:net';
import type { ThrottledLog } from '../model/throttled-log.ts';

/** Lets a peer have so many connections to a server, so that none can take them all; more are closed as they come, and said. */
export function limitPeers(server: Server, most: number, log: ThrottledLog): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket.remoteAddress ?? '');
    const others = open.get(peer) ?? 0;
    if (others >= most) {
      log.warn('peer', `a peer has ${most} connections already: more are closed as they come`);
      socket.destroy();
      return;
    }
    open.set(peer, others + 1);
    socket.once('close', () => {
      const left = (open.get(peer) ?? 0) - 1;
      if (left > 0) open.set(peer, left);
      else open.delete(peer);
    });
  });
}

/** An address or, of IPv6, the network that whoever has one of its addresses has as a whole (/64). */
function peerOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head = ''] = address.split('::');
  return [...head.split(':'), '0', '0', '0', '0'].slice(0, 4).join(':');
}
