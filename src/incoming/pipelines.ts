import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import type { ThrottledLog } from '../model/throttled-log.ts';

/** Of one connection. Exporters and browsers send one, and wait. */
const MOST = 10;

/**
 * Lets a connection have so many requests that are not answered; one with more is closed. Node.js hands over all that a packet has in
 * one turn: a few hundred kilobytes of them would keep everybody else waiting for half a minute (RFC 9112 §9.3.2 allows it to be closed).
 */
export function boundedPipelines(handle: RequestListener, log: ThrottledLog): RequestListener {
  const unanswered = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    if (socket.destroyed) return;
    const before = unanswered.get(socket) ?? 0;
    if (before >= MOST) {
      log.warn(
        'pipeline',
        `a peer sent more than ${MOST} requests without waiting: its connection is closed`,
      );
      socket.destroy();
      return;
    }
    unanswered.set(socket, before + 1);
    response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    handle(request, response);
  };
}
