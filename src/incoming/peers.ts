import type { Server, Socket } from 'node:net';
import { isIPv6 } from 'node:net';
import type { ThrottledLog } from '../model/throttled-log.ts';

/** Lets a peer have so many connections to a server, so that none can take them all; more are closed as they come, and said. */
export function limitPeers(server: Server, most: number, log: ThrottledLog): void {
  const places = new PeerPlaces(most);
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    if (!places.hasOneFor(address)) {
      log.warn('peer', `a peer has ${most} connections already: more are closed as they come`);
      socket.destroy();
      return;
    }
    socket.once('close', places.take(address));
  });
}

/** Counts the places that each peer has, of which it may have so many. */
export class PeerPlaces {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  hasOneFor(address: string): boolean {
    return (this.#taken.get(peerOf(address)) ?? 0) < this.#most;
  }

  /** @returns gives the place back, to be called once */
  take(address: string): () => void {
    const peer = peerOf(address);
    this.#taken.set(peer, (this.#taken.get(peer) ?? 0) + 1);
    return () => {
      const left = (this.#taken.get(peer) ?? 0) - 1;
      if (left > 0) this.#taken.set(peer, left);
      else this.#taken.delete(peer);
    };
  }
}

/** An address or, of IPv6, the network that whoever has one of its addresses has as a whole (/64). */
function peerOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head = ''] = address.split('::');
  return [...head.split(':'), '0', '0', '0', '0'].slice(0, 4).join(':');
}
