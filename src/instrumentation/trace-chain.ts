import { context, type Span, type Tracer, trace } from '@opentelemetry/api';
import type { LinkResult } from '../model/chain.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { ChainOutcome } from '../model/event.ts';
import { SCOPE_NAME } from '../model/semconv.ts';
import type { QueuedContext } from '../model/vcon.ts';
import {
  addException,
  endChainSpan,
  endLinkSpan,
  endStorageSpan,
  markFailed,
  startChainSpan,
  startLinkSpan,
  startStorageSpan,
} from './recorder.ts';

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
  requireUuid(vconUuid);
  const tracer = trace.getTracer(SCOPE_NAME);
  const { name, links, ingressList, queuedBy } = chain;
  const span = startChainSpan(
    tracer,
    {
      chain: name,
      vconUuid,
      links,
      ...(ingressList === undefined ? {} : { ingressList }),
      ...(queuedBy === undefined ? {} : { queuedBy }),
    },
    context.active(),
  );
  const run = new ChainRun(tracer, span, chain, vconUuid);
  try {
    return await context.with(trace.setSpan(context.active(), span), body, undefined, run);
  } catch (error) {
    run.fail(error);
    throw error;
  } finally {
    run.close();
  }
}

/** One passage of one vCon through one chain, while it is under way. */
export class ChainRun {
  /** The chain span. */
  readonly span: Span;
  readonly #tracer: Tracer;
  readonly #chain: TracedChain;
  #vconUuid: string;
  #nextIndex = 0;
  #state: 'open' | 'halted' | 'closed' = 'open';
  #failure: { error: unknown } | undefined;

  /** @internal */
  constructor(tracer: Tracer, span: Span, chain: TracedChain, vconUuid: string) {
    this.#tracer = tracer;
    this.span = span;
    this.#chain = chain;
    this.#vconUuid = vconUuid;
  }

  /** The vCon's uuid as it stands: what entered, or what the last link made of it. */
  get vconUuid(): string {
    return this.#vconUuid;
  }

  /** How the run would end now. */
  get outcome(): ChainOutcome {
    if (this.#failure) return 'error';
    return this.#state === 'halted' ? 'halted' : 'complete';
  }

  /** What a queue needs to tie the next chain's trace to this one. */
  get queuedContext(): QueuedContext {
    const { traceId, spanId, traceFlags } = this.span.spanContext();
    return { traceId, spanId, traceFlags };
  }

  /**
   * Runs a link in a span of its own.
   * @returns the uuid to go on with, or undefined where the link halts the chain
   * @throws what the link throws; VconOtelError `LINK_RESULT_INVALID` where it answers with anything but a uuid
   * or something falsy; VconOtelError `CHAIN_CLOSED` after a halt or the end
   */
  async link(
    name: string,
    body: (vconUuid: string) => LinkResult | Promise<LinkResult>,
  ): Promise<string | undefined> {
    this.#requireOpen('link', name);
    const vconUuid = this.#vconUuid;
    const facts = { chain: this.#chain.name, vconUuid, link: name, linkIndex: this.#indexOf(name) };
    const span = startLinkSpan(this.#tracer, this.span, facts);
    try {
      const answer = await context.with(trace.setSpan(context.active(), span), body, undefined, vconUuid);
      const outVconUuid = uuidOf(answer, name);
      if (outVconUuid === undefined) {
        this.#state = 'halted';
        endLinkSpan(span, { outcome: 'halt', outVconUuid: vconUuid });
        return undefined;
      }
      this.#vconUuid = outVconUuid;
      endLinkSpan(span, { outcome: 'success', outVconUuid });
      return outVconUuid;
    } catch (error) {
      this.#failure ??= { error };
      addException(span, 'link', name, error, this.#chain.stackTraces === true);
      markFailed(span, 'link', name, errorType(error));
      endLinkSpan(span, { outcome: 'error' });
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
    const { name, ...peer } = storage;
    const vconUuid = this.#vconUuid;
    const span = startStorageSpan(this.#tracer, this.span, {
      chain: this.#chain.name,
      vconUuid,
      storage: name,
      ...peer,
    });
    try {
      await context.with(trace.setSpan(context.active(), span), body, undefined, vconUuid);
      endStorageSpan(span);
      return { outcome: 'success' };
    } catch (error) {
      addException(span, 'storage', name, error, this.#chain.stackTraces === true);
      markFailed(span, 'storage', name, errorType(error));
      endStorageSpan(span);
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
    if (this.#failure) markFailed(this.span, 'chain', this.#chain.name, errorType(this.#failure.error));
    const outcome = this.outcome;
    this.#state = 'closed';
    endChainSpan(this.span, { outcome, outVconUuid: this.#vconUuid });
  }

  #requireOpen(stage: string, name: string): void {
    if (this.#state !== 'open')
      throw new VconOtelError(
        'CHAIN_CLOSED',
        `${stage} ${name} was called after the chain had ${this.#state}`,
      );
  }

  /** A link's place in the configured list, also where the body leaves some of them out. */
  #indexOf(name: string): number {
    const found = this.#chain.links.indexOf(name, this.#nextIndex);
    const index = found === -1 ? this.#nextIndex : found;
    this.#nextIndex = index + 1;
    return index;
  }
}

function requireUuid(vconUuid: unknown): asserts vconUuid is string {
  if (typeof vconUuid !== 'string' || vconUuid === '')
    throw new VconOtelError('VCON_INVALID', 'a chain needs the uuid of a vCon');
}

function uuidOf(answer: unknown, link: string): string | undefined {
  if (!answer) return undefined;
  if (typeof answer === 'string') return answer;
  throw new VconOtelError(
    'LINK_RESULT_INVALID',
    `link ${link} answered with a ${typeof answer}; expected a vCon's uuid, or nothing to halt the chain`,
  );
}
