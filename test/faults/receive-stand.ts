import type { Redis } from 'ioredis';
import type { World } from '../assembly/python-conserver.ts';
import { require } from './fault.ts';
import type { HeardRuns } from './heard-runs.ts';
import { recordOnTheWire, spansOnTheWire } from './on-the-wire.ts';
import { shuffled } from './random-passages.ts';
import type { ReceivingService } from './receiving-service.ts';
import { type Kill, type Sending, sendTwice } from './sending.ts';
import { streamRead } from './stream-read.ts';

/** What is sent of what happened: spans, records of a forwarding tracer, or both. */
export type Road = 'both' | 'spans' | 'records';

/** Spans of a request, at most. */
const MAX_SPANS = 6;

/** A service, and somebody who sends it what a Python conserver does. */
export class ReceiveStand implements AsyncDisposable {
  readonly service: ReceivingService;
  readonly #redis: Redis;
  readonly #stream: string;
  readonly #random: () => number;
  /** What may come once more, long after it was taken. */
  #sent: readonly Sending[] = [];

  constructor(service: ReceivingService, redis: Redis, stream: string, random: () => number) {
    this.service = service;
    this.#redis = redis;
    this.#stream = stream;
    this.#random = random;
  }

  /** Spans in requests of a few, in either encoding; each record by itself. */
  sendings({ spans, records }: Pick<World, 'spans' | 'records'>, road: Road): Sending[] {
    const sendings: Sending[] = [];
    const left = road === 'records' ? [] : shuffled(this.#random, spans);
    while (left.length > 0) {
      const { json, protobuf } = spansOnTheWire(left.splice(0, 1 + this.#below(MAX_SPANS)));
      sendings.push(() => this.service.post({ path: '/v1/traces', ...this.#either(json, protobuf) }));
    }
    if (road !== 'spans')
      for (const record of records) sendings.push(() => this.#sendRecord(recordOnTheWire(record)));
    return sendings;
  }

  /** Sends all of it twice, and a part of what was sent before. @throws TooSlow */
  async send(sendings: readonly Sending[], kills: readonly Kill[]): Promise<void> {
    const late = this.#sent.filter(() => this.#random() < 0.1);
    this.#sent = sendings;
    await sendTwice(this.service, [...sendings, ...late], this.#random, kills, () =>
      streamRead(this.#redis, this.#stream),
    );
  }

  /** What tracers have heard when every run is over and told. */
  async heard(): Promise<HeardRuns[]> {
    await streamRead(this.#redis, this.#stream);
    const { issues } = await this.service.quiet();
    const { repeated_event, unknown_chain, unfinished_step, ...others } = issues;
    require(Object.keys(others).length === 0, () => `issues: ${JSON.stringify(issues)}`);
    return this.service.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#redis.disconnect();
  }

  /** Over either road, whichever it came by before. */
  async #sendRecord(record: string): Promise<void> {
    if (this.#random() < 0.5) await this.#redis.xadd(this.#stream, '*', 'record', record);
    else await this.service.post({ path: '/v1/bridge', type: 'application/json', body: record });
  }

  #either(json: Buffer, protobuf: Buffer) {
    return this.#random() < 0.5
      ? ({ type: 'application/json', body: json } as const)
      : ({ type: 'application/x-protobuf', body: protobuf } as const);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
