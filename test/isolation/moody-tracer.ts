import { appendFileSync } from 'node:fs';
import { kill } from 'node:process';
import { parentPort } from 'node:worker_threads';
import { diag } from '@opentelemetry/api';
import { type ConserverTracer, DeliveryError, defineTracer, type EventContext, z } from 'vcon-otel';

const SECRET = 'canary-5d1e';

/** A tracer that does what the uuid says, and writes down what it has heard. */
export default defineTracer({
  options: z.strictObject({
    file: z.string(),
    level: z.number().default(1),
    last_words: z.number().default(0),
  }),
  completion: false,
  audit: true,
  readsVcons: ({ level }) => level > 1,
  remarks: ({ level }) => [`its level is ${level}`],
  create: ({ file, last_words }, { vcons, meterProvider }) => {
    const write = (line: string) => appendFileSync(file, `${line}\n`);
    const meter = meterProvider?.getMeter('moody');
    const calls = meter?.createCounter('moody.calls', { unit: '{call}' });
    let heard = 0;
    meter?.createObservableGauge('moody.heard').addCallback((result) => result.observe(heard));
    const MOODS: Readonly<Record<string, () => unknown>> = {
      spin: () => {
        for (;;);
      },
      // V8's own code, which nothing interrupts, for minutes.
      searches: () => Array.prototype.includes.call({ length: 1e10 }, 1),
      babbles: () => {
        for (const word of [null, 1, {}, { is: 'answers' }, { is: 'done' }]) parentPort?.postMessage(word);
        for (let i = 0; i < 1_000; i++) parentPort?.postMessage('x'.repeat(100_000));
      },
      patches: () =>
        Object.defineProperty(Array.prototype, Symbol.iterator, {
          *value() {
            for (let i = 0; i < 3; i++) yield i;
          },
        }),
      leave: () => process.exit(0),
      kills: () => process.kill(process.pid, 'SIGKILL'),
      'kills by name': () => kill(0),
      looks: () => process.kill(process.pid, 0),
      aborts: () => process.abort(),
      leak: () => {
        const kept: Buffer[] = [];
        setInterval(() => kept.push(Buffer.alloc(10_000_000)), 5);
      },
      piles: () => {
        const kept: unknown[] = [];
        for (;;) kept.push({ text: `${kept.length}` });
      },
      hoards: () => {
        const kept: Buffer[] = [];
        for (;;) kept.push(Buffer.alloc(10_000_000, 1));
      },
      later: () => void setTimeout(() => boom()),
      rejects: () => void Promise.reject(new RangeError(SECRET)),
      fails: () => boom(),
      hangs: () => new Promise(() => undefined),
      permanent: () => {
        throw new DeliveryError(SECRET, { permanent: true, retryAfter: 7 });
      },
      says: () => diag.warn('vcon-otel/moody', 'it says so'),
    };
    const boom = () => {
      throw new TypeError(`${SECRET} 0190bbbb-0000-8000-8000-000000000001`);
    };
    const tracer: ConserverTracer = {
      trace: (uuid, event, options, context) => {
        heard += 1;
        calls?.add(1, { event });
        write(JSON.stringify({ event, options, context, frozen: isFrozen(context) }));
        if (uuid === 'reads')
          return vcons.read(uuid, context).then((text) => write(JSON.stringify({ text })));
        if (uuid === 'no-store')
          return vcons
            .read(uuid)
            .catch((error) => write(JSON.stringify({ error: error.code ?? error.name })));
        return MOODS[uuid]?.();
      },
      traceBatch: (events, options) => {
        write(JSON.stringify({ together: events.map(({ eventId }) => eventId) }));
        const mood = MOODS[together(events)];
        if (mood) return mood();
        return Promise.allSettled(
          events.map(async (event) => tracer.trace?.(event.outVconUuid, 'chain_start', options, event)),
        );
      },
      run: (inUuid, outUuid, name, links, index) => {
        write(JSON.stringify({ run: [inUuid, outUuid, name, links, index] }));
        return outUuid !== 'refused';
      },
      forceFlush: async () => write(JSON.stringify('flushed')),
      shutdown: async () => {
        write(JSON.stringify('shut down'));
        for (let word = 1; word <= last_words; word++) console.log(`last word ${word}`);
      },
    };
    return tracer;
  },
});

/** What becomes of a batch as a whole: what all of its events say. */
function together(events: readonly EventContext[]): string {
  const [mood = '', ...others] = new Set(events.map(({ outVconUuid }) => outVconUuid));
  return others.length === 0 ? mood : '';
}

function isFrozen({ links, inferred, spanContext }: Record<'links' | 'inferred' | 'spanContext', object>) {
  return [links, inferred, spanContext].every(Object.isFrozen);
}
