import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../model/clock.ts';
import { Viewer } from './viewer.ts';
import { ViewerPlaces } from './viewer-places.ts';

/** What a feed tells of. */
export interface FeedSource<Snapshot extends object = object, Change extends object = object> {
  /** Begins to note what changes. */
  watch(): void;
  unwatch(): void;
  /** All there is. */
  snapshot(): Snapshot;
  /** What is new; undefined where nothing is. @param whole whether what is told once a second is due */
  change(whole: boolean): Change | undefined;
}

/** Milliseconds between two messages, and how many of these are a second. */
export const BEAT = 100;
export const BEATS_A_SECOND = 10;
/** Milliseconds for which it goes on when the last viewer has left: a connection that broke finds what it has missed. */
const LINGER = 10_000;
/** Messages, and their bytes, that are kept for that. */
const MAX_KEPT = 300;
const MAX_KEPT_BYTES = 4 * 2 ** 20;

/**
 * Tells viewers what changes, as server-sent events: ten times a second at most, made once for all of them. Each message has an id, by
 * which a viewer that was cut off goes on where it was; one that has missed too much is told everything anew. While nobody looks, it
 * does nothing.
 */
export class Feed {
  readonly places = new ViewerPlaces();
  readonly #source: FeedSource;
  readonly #clock: Clock;
  readonly #viewers = new Set<Viewer>();
  /** Ids of another process are of no use here. */
  readonly #process = randomBytes(4).toString('hex');
  #kept: { readonly number: number; readonly message: Buffer }[] = [];
  #keptBytes = 0;
  #number = 0;
  #snapshot: { readonly number: number; readonly message: Buffer } | undefined;
  #beats = 0;
  #idleSince: number | undefined;
  #callOff: (() => void) | undefined;

  constructor(source: FeedSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** @param lastId what the viewer heard last, as its `Last-Event-ID` says */
  join(response: ServerResponse, lastId: string | undefined): void {
    if (this.#callOff) this.#beat(false);
    else {
      this.#source.watch();
      this.#later();
    }
    this.#idleSince = undefined;
    const giveBack = this.places.take(response.socket?.remoteAddress ?? '');
    const viewer = new Viewer(response, () => {
      giveBack();
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.#idleSince = this.#clock.elapsed();
    });
    this.#viewers.add(viewer);
    const missed = this.#since(lastId);
    for (const message of missed ?? [this.#whole()]) viewer.send(message);
  }

  /** Lets all go: they come again, if they may. */
  dismiss(): void {
    for (const viewer of this.#viewers) viewer.end();
  }

  /** As {@link dismiss}, for good. */
  close(): void {
    this.dismiss();
    this.#stop();
  }

  #later(): void {
    this.#callOff = this.#clock.after(
      BEAT,
      () => {
        this.#beats += 1;
        this.#beat(this.#beats % BEATS_A_SECOND === 0);
        const isLeft = this.#idleSince !== undefined && this.#clock.elapsed() - this.#idleSince > LINGER;
        if (isLeft) this.#stop();
        else this.#later();
      },
      'background',
    );
  }

  #stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#source.unwatch();
    this.#snapshot = undefined;
    this.#kept = [];
    this.#keptBytes = 0;
    // What happens from now on nobody notes.
    this.#number += 1;
  }

  #beat(whole: boolean): void {
    const change = this.#source.change(whole);
    if (!change) return;
    this.#number += 1;
    const message = this.#worded('change', change);
    this.#kept.push({ number: this.#number, message });
    this.#keptBytes += message.length;
    while (this.#kept.length > MAX_KEPT || this.#keptBytes > MAX_KEPT_BYTES)
      this.#keptBytes -= this.#kept.shift()?.message.length ?? 0;
    for (const viewer of this.#viewers) viewer.send(message);
  }

  #whole(): Buffer {
    if (this.#snapshot?.number !== this.#number)
      this.#snapshot = {
        number: this.#number,
        message: this.#worded('snapshot', this.#source.snapshot()),
      };
    return this.#snapshot.message;
  }

  /** What came after a message; undefined where that is not known any more. */
  #since(lastId: string | undefined): Buffer[] | undefined {
    const [, process, number] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(lastId ?? '') ?? [];
    if (process !== this.#process) return undefined;
    const last = Number(number);
    const oldest = this.#kept[0]?.number ?? Number.POSITIVE_INFINITY;
    if (last !== this.#number && (last > this.#number || last < oldest - 1)) return undefined;
    return this.#kept.filter((kept) => kept.number > last).map(({ message }) => message);
  }

  #worded(event: string, data: object): Buffer {
    const { retry } = Feed;
    return Buffer.from(
      `id: ${this.#process}-${this.#number}\nevent: ${event}\nretry: ${retry}\ndata: ${JSON.stringify(data)}\n\n`,
    );
  }

  /** Milliseconds after which a browser asks again. */
  static readonly retry = 1_000;
}
