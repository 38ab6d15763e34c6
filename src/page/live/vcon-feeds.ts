import type { ServerResponse } from 'node:http';
import type { Clock } from '../../model/clock.ts';
import type { VconNews } from '../feed-message.ts';
import { BEAT, BEATS_A_SECOND } from './feed.ts';
import type { LiveRuns } from './live-runs.ts';
import { VconWatch } from './vcon-watch.ts';
import { Viewer } from './viewer.ts';
import { ViewerPlaces } from './viewer-places.ts';

/** Tells each of several viewers what becomes of a vCon of its own, as server-sent events: all that is known at first, then what is new. */
export class VconFeeds {
  readonly places = new ViewerPlaces();
  readonly #runs: LiveRuns;
  readonly #clock: Clock;
  readonly #watched = new Map<Viewer, VconWatch>();
  #beats = 0;
  #callOff: (() => void) | undefined;

  constructor(runs: LiveRuns, clock: Clock) {
    this.#runs = runs;
    this.#clock = clock;
  }

  join(response: ServerResponse, uuid: string): void {
    const watch = new VconWatch(this.#runs, uuid);
    const giveBack = this.places.take(response.socket?.remoteAddress ?? '');
    const viewer = new Viewer(response, () => {
      giveBack();
      watch.end();
      this.#watched.delete(viewer);
    });
    this.#watched.set(viewer, watch);
    this.#send(viewer, watch, true);
    if (!this.#callOff) this.#later();
  }

  /** Lets all go: they come again, if they may. */
  dismiss(): void {
    for (const viewer of this.#watched.keys()) viewer.end();
  }

  /** As {@link dismiss}, for good. */
  close(): void {
    this.dismiss();
    this.#callOff?.();
  }

  #later(): void {
    this.#callOff = this.#clock.after(
      BEAT,
      () => {
        this.#callOff = undefined;
        this.#beats += 1;
        // So that the other side knows that it is still heard.
        const isDue = this.#beats % BEATS_A_SECOND === 0;
        for (const [viewer, watch] of this.#watched) this.#send(viewer, watch, isDue);
        if (this.#watched.size > 0) this.#later();
      },
      'background',
    );
  }

  #send(viewer: Viewer, watch: VconWatch, isDue: boolean): void {
    const runs = watch.changes();
    if (!isDue && runs.length === 0) return;
    const news: VconNews = { now: this.#clock.now(), runs };
    viewer.send(Buffer.from(`event: runs\ndata: ${JSON.stringify(news)}\n\n`));
  }
}
