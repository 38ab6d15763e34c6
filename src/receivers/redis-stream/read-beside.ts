import { setTimeout as wait } from 'node:timers/promises';
import { errorType, VconOtelError } from '../../model/error.ts';
import type { FactSink } from '../../model/fact-sink.ts';
import { ThrottledLog } from '../../model/throttled-log.ts';
import { type RedisClient, redisClient } from '../../persistence/redis-client.ts';
import { BatchSize } from './batch-size.ts';
import { takeRecords } from './hand-in.ts';
import { readContents } from './read-entry.ts';
import { readEntries, type StreamEntry } from './replies.ts';

/** What code passes to {@link readBeside}. */
export interface BesideSettings {
  /** May hold credentials: it is never shown. */
  readonly url: string;
  readonly stream: string;
  /** Gets what is added from now on. */
  readonly sink: FactSink;
}

/** Somebody who reads a stream and changes nothing there. */
export interface StreamOnlooker {
  /** Why nothing can be read at the moment. */
  readonly failure: string | undefined;
  /** Resolves when it sees whatever is added, or when that has failed. */
  readonly begun: Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds that a command may take, that Redis waits for something new, and between two attempts. */
const TIMEOUT = 5_000;
const BLOCK = 1_000;
const PAUSE = 1_000;

/**
 * Reads a stream beside the group that it is for: with `XREVRANGE` and `XREAD`, so that nothing is taken from anybody and nothing written.
 * @throws VconOtelError `CONFIG_INVALID` where the url is none
 */
export function readBeside({ url, stream, sink }: BesideSettings): StreamOnlooker {
  const closing = new AbortController();
  const log = new ThrottledLog('vcon-otel/redis-stream');
  const client = redisClient({
    url,
    option: '--redis',
    name: `the stream ${stream}`,
    timeout: TIMEOUT,
    closing: closing.signal,
    log,
  });
  const begun = Promise.withResolvers<void>();
  let failure: string | undefined;
  const failed = (why: string | undefined) => {
    failure = why;
    begun.resolve();
  };
  const reading = read(client, stream, sink, closing.signal, failed);
  return {
    get failure() {
      return failure;
    },
    begun: begun.promise,
    async close() {
      closing.abort();
      await client.close();
      await reading;
    },
  };
}

async function read(
  { ask }: RedisClient,
  stream: string,
  sink: FactSink,
  closing: AbortSignal,
  failed: (why: string | undefined) => void,
): Promise<void> {
  const size = new BatchSize();
  let last: string | undefined;
  while (!closing.aborted) {
    try {
      last ??= await lastId(ask, stream);
      failed(undefined);
      const from = last;
      const reply = await ask((redis) =>
        redis.callBuffer('XREAD', 'COUNT', size.entries, 'BLOCK', BLOCK, 'STREAMS', stream, from),
      );
      const entries = readEntries(reply);
      size.read(entries);
      last = entries.at(-1)?.id ?? last;
      await takeRecords(recordsOf(entries), sink);
    } catch (error) {
      if (closing.aborted) return;
      failed(error instanceof VconOtelError ? error.message : errorType(error));
      size.failed();
      await wait(PAUSE, undefined, { signal: closing }).catch(() => undefined);
    }
  }
}

/** The id of the newest entry: what follows it is new. */
async function lastId(ask: RedisClient['ask'], stream: string): Promise<string> {
  const [newest] = await ask((redis) => redis.xrevrange(stream, '+', '-', 'COUNT', 1));
  return newest?.[0] ?? '0-0';
}

/** What is no record is for the service to set aside. */
function recordsOf(entries: readonly StreamEntry[]) {
  const filled = entries.flatMap(({ id, fields }) => (fields ? [{ id, fields }] : []));
  const read = readContents(filled.map(({ fields }) => fields));
  return filled.flatMap(({ id }, at) => {
    const content = read[at];
    return content?.kind === 'record' ? [{ id, ...content }] : [];
  });
}
