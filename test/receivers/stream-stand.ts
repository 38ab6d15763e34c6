import { Redis } from 'ioredis';
import { ReceiverCounts } from '../../src/receivers/counts.ts';
import {
  type RedisStreamReceiver,
  startRedisStreamReceiver,
} from '../../src/receivers/redis-stream/redis-stream-receiver.ts';
import { holderKey } from '../../src/receivers/redis-stream/stream-lease.ts';
import type { RedisStreamReceiverSettings } from '../../src/receivers/redis-stream/stream-reader.ts';
import { type RedisServer, sharedRedis, startRedisServer } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { KeptIntake, recordText } from './forwarded-records.ts';

export const STREAM = 'events';
export const GROUP = 'vcon-otel';

/** A receiver and what it tells. */
export interface Started {
  readonly receiver: RedisStreamReceiver;
  readonly sink: KeptIntake;
  readonly counts: ReceiverCounts;
}

/** A Redis, somebody who writes to it, and the receivers that were started on it. */
export class StreamStand implements AsyncDisposable {
  server: RedisServer;
  writer: Redis;
  readonly #receivers: RedisStreamReceiver[] = [];

  private constructor(server: RedisServer) {
    this.server = server;
    this.writer = writerOn(server);
  }

  /** On a Redis that it shares with other tests. */
  static async start(): Promise<StreamStand> {
    return new StreamStand(await sharedRedis());
  }

  /** On a Redis of its own, that may be stopped. */
  static async startOwn(settings: string[] = []): Promise<StreamStand> {
    return new StreamStand(await startRedisServer(undefined, settings));
  }

  async receive(
    settings: Partial<RedisStreamReceiverSettings & { sink: KeptIntake }> = {},
  ): Promise<Started> {
    const sink = settings.sink ?? new KeptIntake();
    const counts = new ReceiverCounts();
    const receiver = await startRedisStreamReceiver({
      url: this.server.url,
      stream: STREAM,
      group: GROUP,
      consumer: 'one',
      journal: 'journal-1',
      claimAfter: 60_000,
      closeTimeout: 5_000,
      counts,
      ...settings,
      sink,
    });
    this.#receivers.push(receiver);
    return { receiver, sink, counts };
  }

  /** Adds records numbered `from` up to but without `to`. */
  async write(from: number, to: number, ...options: string[]): Promise<void> {
    const pipeline = this.writer.pipeline();
    for (let seq = from; seq < to; seq++)
      pipeline.call('XADD', STREAM, ...options, '*', 'record', recordText(seq));
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
  }

  async add(record: string | Buffer): Promise<string> {
    return String(await this.writer.call('XADD', STREAM, '*', 'record', record));
  }

  /** Ids that have not been acknowledged; none where there is no group. */
  async pending(): Promise<string[]> {
    const rows = (await this.writer.xpending(STREAM, GROUP, '-', '+', 10_000).catch(() => [])) as [string][];
    return rows.map(([id]) => id);
  }

  /** Who is written down as the one that reads. */
  holder(): Promise<string | null> {
    return this.writer.get(holderKey({ stream: STREAM, group: GROUP }));
  }

  /** What was set aside. */
  async dead(): Promise<Record<string, string>[]> {
    const entries = await this.writer.xrange(`${STREAM}:dead`, '-', '+');
    return entries.map(([, fields]) => {
      const pairs = fields.flatMap((field, at) => (at % 2 === 0 ? [[field, fields[at + 1] ?? '']] : []));
      return Object.fromEntries(pairs);
    });
  }

  /** Waits until nothing is left to be read or acknowledged. */
  async settled(): Promise<void> {
    await eventually('all is read and acknowledged', async () => {
      const groups = (await this.writer.xinfo('GROUPS', STREAM).catch(() => [])) as unknown[][];
      const group = groups.find((it) => it[1] === GROUP);
      if (!group) return undefined;
      const lastDelivered = String(group[group.indexOf('last-delivered-id') + 1]);
      const unread = await this.writer.xrange(STREAM, `(${lastDelivered}`, '+', 'COUNT', 1);
      return unread.length === 0 && (await this.pending()).length === 0 ? true : undefined;
    });
  }

  /** Kills Redis, and starts one at the same place. What it kept is there again if it was told to keep something. */
  async restart(settings: string[] = []): Promise<void> {
    await this.server.stop();
    this.writer.disconnect();
    this.server = await startRedisServer(this.server.port, settings);
    this.writer = writerOn(this.server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#receivers.map((receiver) => receiver.close()));
    this.writer.disconnect();
    await this.server.stop();
  }
}

function writerOn(server: RedisServer): Redis {
  const writer = new Redis(server.url, { protocol: 2 });
  writer.on('error', () => undefined);
  return writer;
}
