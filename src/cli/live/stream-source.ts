import { setTimeout as wait } from 'node:timers/promises';
import type { LivePlace } from '../../config/live-place.ts';
import { systemClock } from '../../model/clock.ts';
import { feedSource } from '../../page/feed-source.ts';
import { VconWatch } from '../../page/live/vcon-watch.ts';
import { type WatchedStream, watchStream } from '../../service/watched-stream.ts';
import type { Away, LiveSource } from './source.ts';

/** Milliseconds between two looks, and how many of them are a second. */
const BEAT = 100;
const BEATS_A_SECOND = 10;

/** News made here of the facts in a stream, which knows of no tracer. */
export async function streamSource(place: Extract<LivePlace, { is: 'stream' }>): Promise<LiveSource> {
  const watched = await watchStream(place);
  const { runs } = watched;
  return {
    name: `stream ${place.stream}`,
    async *feed(signal) {
      const sources = { service: place.stream, tracers: () => ({}), troubles: () => [] };
      const feed = feedSource(runs, sources, systemClock);
      feed.watch();
      let begins = true;
      for await (const beat of beats(watched, signal)) {
        if (typeof beat === 'object') {
          yield beat;
          begins = true;
        } else if (begins) {
          yield { is: 'snapshot', data: feed.snapshot() };
          begins = false;
        } else {
          const change = feed.change(beat % BEATS_A_SECOND === 0);
          if (change) yield { is: 'change', data: change };
        }
      }
      feed.unwatch();
    },
    async *follow(uuid, signal) {
      const watch = new VconWatch(runs, uuid);
      for await (const beat of beats(watched, signal)) {
        if (typeof beat === 'object') {
          yield beat;
          continue;
        }
        const changed = watch.changes();
        if (changed.length > 0 || beat % BEATS_A_SECOND === 0)
          yield { is: 'runs', data: { now: systemClock.now(), runs: changed } };
      }
      watch.end();
    },
    close: () => watched.close(),
  };
}

/** When to look, counted; and once a second that nothing can be seen. */
async function* beats(watched: WatchedStream, signal: AbortSignal): AsyncGenerator<number | Away, void> {
  for (let beat = 0; !signal.aborted; beat += 1) {
    const { failure } = watched;
    if (failure === undefined) yield beat;
    else if (beat % BEATS_A_SECOND === 0) yield { is: 'away', why: failure };
    await wait(BEAT, undefined, { signal }).catch(() => undefined);
  }
}
