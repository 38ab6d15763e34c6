import type { SpanFact } from '../model/fact.ts';

/** A span that says nothing, or something wrong, of where it belongs. */
export interface UnplacedSpan {
  readonly span: SpanFact;
  /** When it came, on the clock's `elapsed`. */
  readonly came: number;
}

/** Spans that wait for the run that they fit: above all those of storages written side by side (CONSERVER §4). */
export class UnplacedSpans {
  readonly #byId = new Map<string, UnplacedSpan>();
  readonly #byChain = new Map<string, Map<string, Set<UnplacedSpan>>>();

  get size(): number {
    return this.#byId.size;
  }

  has(spanId: string): boolean {
    // Nearly always none waits: then the id of each span need not be hashed.
    return this.#byId.size > 0 && this.#byId.has(spanId);
  }

  get(spanId: string): SpanFact | undefined {
    return this.#byId.get(spanId)?.span;
  }

  /** Those of a chain and one of a vCon's uuids. */
  of(chain: string, uuids: Iterable<string>): SpanFact[] {
    const ofChain = this.#byChain.get(chain);
    if (!ofChain) return [];
    return [...new Set(uuids)].flatMap((uuid) => [...(ofChain.get(uuid) ?? [])].map(({ span }) => span));
  }

  /** Those of a chain, whatever the uuid, at most so many. */
  ofChain(chain: string, limit: number): SpanFact[] {
    const found: SpanFact[] = [];
    for (const spans of this.#byChain.get(chain)?.values() ?? []) {
      for (const { span } of spans) found.push(span);
      if (found.length >= limit) break;
    }
    return found;
  }

  /** In the order in which they came. */
  [Symbol.iterator](): Iterator<UnplacedSpan> {
    return this.#byId.values();
  }

  add(span: SpanFact, came: number): void {
    const { spanId, chain, vconUuid = '' } = span;
    const unplaced = { span, came };
    this.#byId.set(spanId, unplaced);
    const ofChain = this.#byChain.get(chain) ?? new Map<string, Set<UnplacedSpan>>();
    this.#byChain.set(chain, ofChain);
    const ofUuid = ofChain.get(vconUuid) ?? new Set();
    ofChain.set(vconUuid, ofUuid.add(unplaced));
  }

  remove(spanId: string): void {
    const unplaced = this.#byId.get(spanId);
    if (!unplaced) return;
    const { chain, vconUuid = '' } = unplaced.span;
    this.#byId.delete(spanId);
    const ofChain = this.#byChain.get(chain);
    const ofUuid = ofChain?.get(vconUuid);
    ofUuid?.delete(unplaced);
    if (ofUuid?.size === 0) ofChain?.delete(vconUuid);
    if (ofChain?.size === 0) this.#byChain.delete(chain);
  }
}
