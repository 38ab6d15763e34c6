import { Worker } from 'node:worker_threads';
import { VconOtelError } from '../../model/error.ts';
import { processMemory } from '../../model/memory.ts';
import { type Reduced, type Reductions, reduce } from './reduce.ts';
import type { Ask, ReaderAnswer } from './worker.ts';

/** As source, or as built. */
const WORKER = new URL(`./worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

/** Bytes that can be parsed without a noticeable delay. */
const UNNOTICED = 256 * 1024;

/** Megabytes that the largest body may become, see parse.ts: V8 ends the process if a thread's heap is full. A quarter of all memory at most. */
const HEAP = Math.min(2_048, Math.ceil(processMemory() / 4 / 2 ** 20));

/**
 * Reads bodies of JSON: small ones at once, large ones one after the other in a thread that starts with the first of
 * them.
 */
export class JsonReader {
  #worker: Worker | undefined;
  #free: Promise<unknown> = Promise.resolve();
  #closed = false;

  /**
   * @throws VconOtelError `BODY_INVALID`
   */
  async read<Kind extends keyof Reductions>(kind: Kind, body: Buffer): Promise<Reduced<Kind>> {
    if (body.length <= UNNOTICED) return reduce(kind, body);
    const read = this.#free.then(() => this.#readInThread(kind, body));
    this.#free = read.catch(() => undefined);
    return read;
  }

  /** Ends the thread; what it was reading is lost. Safe twice. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  async #readInThread<Kind extends keyof Reductions>(kind: Kind, body: Buffer): Promise<Reduced<Kind>> {
    if (this.#closed) throw unreadable();
    this.#worker ??= this.#start();
    const worker = this.#worker;
    worker.ref();
    try {
      const answer = await ask(worker, { kind, body });
      if (answer.is === 'refused') throw new VconOtelError('BODY_INVALID', answer.why);
      const items: unknown[] = [];
      for (let last = false; !last; ) {
        const more = await ask(worker, 'more');
        if (more.is !== 'items') throw unreadable();
        for (const item of more.items) items.push(item);
        last = more.last;
      }
      const counts = answer.is === 'counts' ? answer.counts : undefined;
      return { items, counts } as unknown as Reduced<Kind>;
    } finally {
      worker.unref();
    }
  }

  #start(): Worker {
    // Without the flags and NODE_OPTIONS of the process: it needs none of the modules that these preload.
    const worker = new Worker(WORKER, {
      name: 'vcon-otel json',
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: HEAP },
    });
    worker.on('error', () => undefined);
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }
}

/** @throws VconOtelError `BODY_INVALID` if the thread dies of it: it would do so again. */
function ask(worker: Worker, what: Ask): Promise<ReaderAnswer> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(unreadable());
    worker.once('exit', ended);
    worker.once('message', (answer: ReaderAnswer) => {
      worker.off('exit', ended);
      resolve(answer);
    });
    worker.postMessage(what);
  });
}

function unreadable(): VconOtelError {
  return new VconOtelError('BODY_INVALID', 'the body cannot be read');
}
