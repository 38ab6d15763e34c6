import { type Context, context, type Span, type Tracer, trace } from '@opentelemetry/api';
import type { LinkResult } from '../model/chain.ts';
import { delivered, isUnasked } from '../model/delivery.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { ChainOutcome } from '../model/event.ts';
import { SCOPE_NAME } from '../model/semconv.ts';
import { ThrottledLog } from '../model/throttled-log.ts';
import { isVconUuid, type QueuedContext } from '../model/vcon.ts';
import { addException, endSpan, insideChain, startSpan } from './recorder.ts';

/** A chain about to be traced. */
export interface TracedChain {
  readonly name: string;
  /** The configured links, in order. */
  readonly links: readonly string[];
  /** The list the vCon was taken off, if it was. */
  readonly ingressList?: string;
  /** What the chain that queued the vCon left for us ({@link VconQueue.pop}). */
  readonly queuedBy?: QueuedContext;
  /** Adds stack frames to exception events. Default false. */
  readonly stackTraces?: boolean;
}

/** A storage about to be traced. */
export interface TracedStorage {
  readonly name: string;
  /** `peer.service`; the name where absent. */
  readonly peerService?: string;
  /** `db.system.name` (OpenTelemetry semantic conventions), e.g. `postgresql`. */
  readonly dbSystemName?: string;
}

/** What became of a storage: it never fails its chain, so failure is a value here. */
export type StorageResult =
  | { readonly outcome: 'success' }
  | { readonly outcome: 'error'; readonly error: unknown };

/**
 * Traces the passage of one vCon through one chain, for code in this process. The chain span is open while
 * `body` runs; spans made inside a link nest under the link.
 *
 * ```ts
 * await traceChain({ name: 'main', links: ['transcribe'] }, uuid, async (run) => {
 *   await run.link('transcribe', async (uuid) => uuid);
 *   await run.storage({ name: 'postgres' }, async (uuid) => save(uuid));
 * });
 * ```
 * @returns what `body` returns
 * @throws what `body` throws, after the chain span has been closed with an error
 */
export async function traceChain<T>(
  chain: TracedChain,
  vconUuid: string,
  body: (run: ChainRun) => T | Promise<T>,
): Promise<T> {
  requireName('chain', chain.name);
  requireUuid(vconUuid);
  const tracer = trace.getTracer(SCOPE_NAME);
  const { name, links, ingressList, queuedBy } = chain;
  const now = runClock();
  const span = startSpan(
    tracer,
    { stage: 'chain', chain: name, vconUuid, links, ingressList, queuedBy },
    context.active(),
    now(),
  );
  const run = new ChainRun(tracer, span, chain, vconUuid, now);
  try {
    return await context.with(trace.setSpan(context.active(), span), body, undefined, run);
  } catch (error) {
    run.fail(error);
    throw error;
  } finally {
    run.close();
    if (isUnasked(span)) log.warn(name, unasked(name));
  }
}

const log = new ThrottledLog('vcon-otel/instrumentation');
const unasked = (chain: string) =>
  `a tracer with dlq_vcon_on_error heard chain ${chain}, which did not wait for it: await run.delivered() after each step, or use runChain`;

/** One passage of one vCon through one chain, while it is under way. */
export class ChainRun {
  /** The chain span. */
  readonly span: Span;
  readonly #tracer: Tracer;
  readonly #inside: Context;
  readonly #chain: TracedChain;
  readonly #now: () => number;
  #vconUuid: string;
  /** Places in the configured list that have been run. */
  readonly #run = new Set<number>();
  #last = -1;
  #halted = false;
  #closed = false;
  #failure: { error: unknown } | undefined;

  /** @internal */
  constructor(tracer: Tracer, span: Span, chain: TracedChain, vconUuid: string, now: () => number) {
    this.#tracer = tracer;
    this.span = span;
    this.#inside = insideChain(span);
    this.#chain = chain;
    this.#vconUuid = vconUuid;
    this.#now = now;
  }

  /** The vCon's uuid as it stands: what entered, or what the last link made of it. */
  get vconUuid(): string {
    return this.#vconUuid;
  }

  /** How the run has ended, or would end now. */
  get outcome(): Exclude<ChainOutcome, 'unknown'> {
    if (this.#failure) return 'error';
    return this.#halted ? 'halted' : 'complete';
  }

  /** What a queue needs to tie the next chain's trace to this one. */
  get queuedContext(): QueuedContext {
    const { traceId, spanId, traceFlags } = this.span.spanContext();
    return { traceId, spanId, traceFlags };
  }

  /**
   * Resolves when every tracer with `dlq_vcon_on_error` has heard everything so far: await it after each step, before what
   * must not happen unheard. At once where there is no such tracer.
   * @throws VconOtelError `TRACER_FAILED` where one has failed for good, or has not heard it in time (`delivery.chain_wait`)
   */
  async delivered(): Promise<void> {
    await delivered(this.span);
  }

  /**
   * Runs a link in a span of its own.
   * @returns the uuid to go on with, or undefined where the link halts the chain
   * @throws what the link throws; VconOtelError `LINK_RESULT_INVALID` where it answers with anything but a uuid
   * or something falsy; `LINK_UNKNOWN` for a link that the chain does not list (or not so often); `CHAIN_CLOSED` after
   * a halt or the end
   */
  async link(
    name: string,
    body: (vconUuid: string) => LinkResult | Promise<LinkResult>,
  ): Promise<string | undefined> {
    this.#requireOpen('link', name);
    const vconUuid = this.#vconUuid;
    const index = this.#indexOf(name);
    const span = startSpan(
      this.#tracer,
      { stage: 'link', chain: this.#chain.name, vconUuid, name, index },
      this.#inside,
      this.#now(),
    );
    try {
      const answer = await context.with(trace.setSpan(context.active(), span), body, undefined, vconUuid);
      const outVconUuid = uuidOf(answer, name);
      if (outVconUuid === undefined) {
        this.#halted = true;
        endSpan(span, 'link', name, { outcome: 'halt', outVconUuid: vconUuid }, this.#now());
        return undefined;
      }
      this.#vconUuid = outVconUuid;
      endSpan(span, 'link', name, { outcome: 'success', outVconUuid }, this.#now());
      return outVconUuid;
    } catch (error) {
      this.#failure ??= { error };
      addException(span, 'link', name, error, this.#chain.stackTraces === true);
      endSpan(span, 'link', name, { outcome: 'error', errorType: errorType(error) }, this.#now());
      throw error;
    }
  }

  /**
   * Writes to a storage in a span of its own. A storage that fails never fails its chain, so this resolves
   * either way; look at the result if you need to know.
   * @throws VconOtelError `CHAIN_CLOSED` after a halt or the end
   */
  async storage(
    storage: TracedStorage,
    body: (vconUuid: string) => void | Promise<void>,
  ): Promise<StorageResult> {
    this.#requireOpen('storage', storage.name);
    const { name, peerService, dbSystemName } = storage;
    requireName('storage', name);
    const vconUuid = this.#vconUuid;
    const span = startSpan(
      this.#tracer,
      { stage: 'storage', chain: this.#chain.name, vconUuid, name, peerService, dbSystemName },
      this.#inside,
      this.#now(),
    );
    try {
      await context.with(trace.setSpan(context.active(), span), body, undefined, vconUuid);
      endSpan(span, 'storage', name, { outcome: 'success' }, this.#now());
      return { outcome: 'success' };
    } catch (error) {
      addException(span, 'storage', name, error, this.#chain.stackTraces === true);
      endSpan(span, 'storage', name, { outcome: 'error', errorType: errorType(error) }, this.#now());
      return { outcome: 'error', error };
    }
  }

  /** @internal */
  fail(error: unknown): void {
    // A link's error is on the link's span already, and one failure is one exception event.
    if (this.#failure === undefined || this.#failure.error !== error)
      addException(this.span, 'chain', this.#chain.name, error, this.#chain.stackTraces === true);
    this.#failure ??= { error };
  }

  /** @internal */
  close(): void {
    this.#closed = true;
    const failed = this.#failure && errorType(this.#failure.error);
    const end = { outcome: this.outcome, outVconUuid: this.#vconUuid, errorType: failed };
    endSpan(this.span, 'chain', this.#chain.name, end, this.#now());
  }

  #requireOpen(stage: string, name: string): void {
    if (!this.#halted && !this.#closed) return;
    const ended = this.#closed ? 'ended' : 'been halted';
    throw new VconOtelError('CHAIN_CLOSED', `${stage} ${name} was called after the chain had ${ended}`);
  }

  /**
   * A link's place in the configured list, also where the body leaves links out or runs them in another order. One that
   * is not in the list has none: its `run` call could be taken for another's, or for the chain's completion.
   */
  #indexOf(name: string): number {
    const { links } = this.#chain;
    const isFree = (link: string, place: number) => link === name && !this.#run.has(place);
    let index = links.indexOf(name, this.#last + 1);
    if (index === -1) index = links.findIndex(isFree);
    if (index === -1)
      throw new VconOtelError('LINK_UNKNOWN', `chain ${this.#chain.name} lists no (further) link ${name}`);
    this.#run.add(index);
    this.#last = Math.max(this.#last, index);
    return index;
  }
}

/**
 * Milliseconds since the Unix epoch, for the spans of one run. Left to itself the SDK starts every span at a whole
 * millisecond, so that the links of a fast chain would seem to have started together.
 */
function runClock(): () => number {
  const offset = Date.now() - performance.now();
  return () => offset + performance.now();
}

function requireUuid(vconUuid: unknown): asserts vconUuid is string {
  if (!isVconUuid(vconUuid)) throw new VconOtelError('VCON_INVALID', 'a chain needs the uuid of a vCon');
}

/** A nameless span would not be told to be the conserver's. */
function requireName(stage: 'chain' | 'storage', name: unknown): void {
  if (typeof name !== 'string' || name === '')
    throw new VconOtelError('CONFIG_INVALID', `a ${stage} needs a name`);
}

function uuidOf(answer: unknown, link: string): string | undefined {
  if (!answer) return undefined;
  if (isVconUuid(answer)) return answer;
  const what = typeof answer === 'string' ? 'text that is no uuid' : `a ${typeof answer}`;
  throw new VconOtelError(
    'LINK_RESULT_INVALID',
    `link ${link} answered with ${what}; expected a vCon's uuid, or nothing to halt the chain`,
  );
}
