import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';

export const STREAM = 'records';
/** Of every run: with one link, it has a record before it and one after it. */
export const LINKS = ['only'];

/** Records that are added at once. */
const PAGE = 25;

/** Adds numbered records of runs to a stream, as a worker of the conserver does: two to a run. */
export class Forwarder {
  /** Records so far: the number of the next one. */
  added = 0;
  readonly client: Redis;

  constructor(url: string) {
    this.client = new Redis(url, { protocol: 2, maxRetriesPerRequest: 0, enableOfflineQueue: false });
    // Redis is killed on purpose.
    this.client.on('error', () => undefined);
  }

  /** Adds so many, again and again until Redis says that it has them: some may then be there twice. */
  async add(count: number, ...options: string[]): Promise<void> {
    const end = this.added + count;
    await eventually('Redis takes all records', async () => {
      while (this.added < end) {
        const taken = await this.#addPage(Math.min(PAGE, end - this.added), options);
        this.added += taken;
        if (taken === 0) return undefined;
      }
      return true;
    });
  }

  close(): void {
    this.client.disconnect();
  }

  /** @returns how many of them Redis says it has */
  async #addPage(count: number, options: readonly string[]): Promise<number> {
    const pipeline = this.client.pipeline();
    for (let i = 0; i < count; i += 1)
      pipeline.call('XADD', STREAM, ...options, '*', 'record', recordOf(this.added + i));
    const replies = (await pipeline.exec().catch(() => null)) ?? [];
    const refused = replies.findIndex(([error]) => error);
    return refused === -1 ? replies.length : refused;
  }
}

/** What a tracer is called with because of a record. */
export function callOf(seq: number): string {
  const vcon = vconOf(seq);
  return `run ${indexOf(seq)} ${vcon}→${vcon}`;
}

function recordOf(seq: number): string {
  const vcon = vconOf(seq);
  return JSON.stringify({
    v: 1,
    kind: 'run',
    tracer: 'forwarder',
    in: vcon,
    out: vcon,
    links: LINKS,
    index: indexOf(seq),
    ts: String(BIRTH + BigInt(seq) * 1_000_000n),
    chain: 'main',
    worker: { host: 'conserver-1', pid: 7 },
    seq,
  });
}

const BIRTH = BigInt(Date.now()) * 1_000_000n;

function vconOf(seq: number): string {
  return `vcon-${seq >> 1}`;
}

function indexOf(seq: number): number {
  return (seq % 2) - 1;
}
