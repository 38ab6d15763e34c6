import { Redis } from 'ioredis';
import {
  type RedisStreamReceiver,
  type RedisStreamReceiverSettings,
  startRedisStreamReceiver,
} from '../../src/receivers/redis-stream.ts';
import { Tally } from '../../src/receivers/tally.ts';
import { eventually } from '../faults/eventually.ts';
import { type RedisServer, startRedisServer } from '../redis-server.ts';
import { KeptIntake, recordText } from './forwarded-records.ts';

export const STREAM = 'events';
export const GROUP = 'vcon-otel';

/** A receiver and what it tells. */
export interface Started {
  readonly receiver: RedisStreamReceiver;
  readonly intake: KeptIntake;
  readonly tally: Tally;
}

/** A Redis of its own, somebody who writes to it, and the receivers that were started on it. */
export class StreamStand implements AsyncDisposable {
  server: RedisServer;
  writer: Redis;
  readonly #receivers: RedisStreamReceiver[] = [];

  private constructor(server: RedisServer) {
    this.server = server;
    this.writer = writerOn(server);
  }

  static async start(settings: string[] = []): Promise<StreamStand> {
    return new StreamStand(await startRedisServer(undefined, settings));
  }

  async receive(
    settings: Partial<RedisStreamReceiverSettings & { intake: KeptIntake }> = {},
  ): Promise<Started> {
    const intake = settings.intake ?? new KeptIntake();
    const tally = new Tally();
    const receiver = await startRedisStreamReceiver({
      url: this.server.url,
      stream: STREAM,
      group: GROUP,
      consumer: 'one',
      claimAfter: 60_000,
      tally,
      ...settings,
      intake,
    });
    this.#receivers.push(receiver);
    return { receiver, intake, tally };
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
