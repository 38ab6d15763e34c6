import type { ServerResponse } from 'node:http';

/** Bytes that may wait for a viewer. */
const MAX_WAITING = 2 ** 20;

/** Somebody who looks: the response to a request for server-sent events (WHATWG HTML §9.2). Nobody waits for it. */
export class Viewer {
  readonly #response: ServerResponse;

  /** @param left told once, when it looks no more */
  constructor(response: ServerResponse, left: () => void) {
    this.#response = response;
    response.once('close', left);
    // A connection that breaks closes it.
    response.on('error', () => undefined);
  }

  /** Sends what is shared by all; who does not take it fast enough is let go, and asks anew. */
  send(message: Uint8Array): void {
    if (this.#response.writableLength > MAX_WAITING) this.#response.destroy();
    else this.#response.write(message);
  }

  end(): void {
    this.#response.end();
  }
}
