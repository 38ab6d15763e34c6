import { Assembly } from '../assembly/assembly.ts';
import type { AssemblyIssue } from '../assembly/issues.ts';
import { parseConfig } from '../config/load-config.ts';
import { MemoryInbox } from '../journal/memory/inbox.ts';
import { systemClock } from '../model/clock.ts';
import type { EventSink } from '../model/event-sink.ts';
import { Issues } from '../model/issues.ts';
import { ThrottledLog } from '../model/throttled-log.ts';
import { LiveRuns } from '../page/live/live-runs.ts';
import { withReceived } from '../receivers/index.ts';
import { readBeside } from '../receivers/redis-stream/read-beside.ts';

/** A stream that somebody looks at, without a service. */
export interface WatchedStream {
  readonly runs: LiveRuns;
  /** Why nothing can be read at the moment. */
  readonly failure: string | undefined;
  close(): Promise<void>;
}

/** Milliseconds that closing may take. */
const CLOSING = 500;

/**
 * Makes runs of the facts that are added to a stream from now on, in this process and for whoever looks: no tracer hears of them, nothing is
 * kept, and nothing is taken from the service that reads the stream.
 * @param place its url may hold credentials: it is never shown
 * @throws VconOtelError `CONFIG_INVALID` where the url is none
 */
export async function watchStream(place: {
  readonly url: string;
  readonly stream: string;
}): Promise<WatchedStream> {
  const runs = new LiveRuns(systemClock);
  const {
    settle,
    timeout,
    max_runs: maxRuns,
    oldest,
    ahead,
  } = parseConfig({}, {}).config.receivers.assembler;
  const settings = {
    ...{ inbox: new MemoryInbox(), events: NOBODY, observers: [runs], clock: systemClock },
    ...{ full: () => false, chains: () => NONE, settle, timeout, oldest, ahead, maxRuns },
    ...{ hearsSpans: false, endTimeout: CLOSING },
    issues: new Issues<AssemblyIssue>('stream', new ThrottledLog('vcon-otel/stream')),
  };
  const sink = await withReceived((read) => Assembly.open({ ...settings, read }));
  const onlooker = readBeside({ ...place, sink });
  await onlooker.begun;
  return {
    runs,
    get failure() {
      return onlooker.failure;
    },
    async close() {
      await onlooker.close();
      await sink.stop();
    },
  };
}

const NONE = new Map<string, never>();

/** Hears no event. */
const NOBODY: EventSink = {
  accept: () => undefined,
  abandon: () => undefined,
  isAwaited: () => false,
  delivered: async () => undefined,
  durable: async () => undefined,
  full: false,
  room: async () => undefined,
};
