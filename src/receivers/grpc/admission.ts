import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import type { Sender } from '../../incoming/bearer.ts';
import type { FactSink } from '../../model/fact-sink.ts';
import { type RequestBounds, Share } from '../byte-budget.ts';
import { denied, NO_ROOM, NO_TOKEN, TOO_SLOW } from './denial.ts';

/** What decides who may send, and when. */
export interface AdmissionSettings extends RequestBounds {
  readonly sink: FactSink;
  mayEnter(authorization: string | undefined): Sender | undefined;
  /** Milliseconds that a whole call may take to arrive. */
  readonly bodyTimeout: number;
}

/** A call that was let in, and has arrived. */
export interface Admitted {
  readonly sender: Sender;
  /** From now on it holds so many bytes of the budget. */
  holds(bytes: number): void;
  /** Call this when its bytes are no longer held. */
  release(): void;
}

/**
 * Stands before the calls of a server: nothing of a call is read before it has shown a token and its turn has come, which is when the
 * budget has room for the largest of them, packed and unpacked. Until then it is left to the sender, by HTTP/2's own flow control.
 */
export class Admission {
  readonly #settings: AdmissionSettings;
  readonly #admitted = new WeakMap<Metadata, Admitted>();

  constructor(settings: AdmissionSettings) {
    this.#settings = settings;
  }

  /** The call that came with this metadata. */
  of(metadata: Metadata): Admitted | undefined {
    return this.#admitted.get(metadata);
  }

  readonly interceptor: ServerInterceptor = (_method, call) => {
    const { sink, budget, maxBody, mayEnter, bodyTimeout } = this.#settings;
    const share = new Share(budget);
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    let isHandled = false;
    const admit = async (metadata: Metadata, next: (metadata: Metadata) => void): Promise<void> => {
      const [authorization] = metadata.get('authorization');
      const sender = mayEnter(authorization?.toString());
      if (!sender) return call.sendStatus(denied(NO_TOKEN));
      if (sink.full) return call.sendStatus(denied(NO_ROOM));
      let late = NO_ROOM;
      timer = setTimeout(() => call.sendStatus(denied(late)), bodyTimeout);
      await share.wait(2 * maxBody);
      late = TOO_SLOW;
      if (isOver) return share.keep(0);
      const holds = (bytes: number) => {
        isHandled = true;
        share.keep(bytes);
      };
      this.#admitted.set(metadata, { sender, holds, release: () => share.keep(0) });
      return next(metadata);
    };
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, go) => void admit(metadata, go),
          onReceiveHalfClose: (go) => {
            clearTimeout(timer);
            go();
          },
          // However it ends: with an answer, by the sender, or because it took too long.
          onCancel: () => {
            isOver = true;
            clearTimeout(timer);
            if (!isHandled) share.keep(0);
          },
        }),
    });
  };
}
