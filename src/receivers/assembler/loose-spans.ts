import type { ReceivedSpan } from '../received-span.ts';

/** A span that says nothing, or something wrong, of where it belongs. */
export interface LooseSpan {
  readonly span: ReceivedSpan;
  /** What is kept of it in the inbox. */
  readonly entries: number[];
  /** When it came, on the clock of `performance.now()`. */
  readonly came: number;
}

/** Spans that wait for the run that they fit: above all those of storages written side by side (CONSERVER §4). */
export class LooseSpans {
  readonly #byId = new Map<string, LooseSpan>();
  readonly #byChain = new Map<string, Map<string, Set<LooseSpan>>>();

  get size(): number {
    return this.#byId.size;
  }

  has(spanId: string): boolean {
    return this.#byId.has(spanId);
  }

  add(loose: LooseSpan): void {
    const { spanId, chain, vconUuid = '' } = loose.span;
    this.#byId.set(spanId, loose);
    const ofChain = this.#byChain.get(chain) ?? new Map<string, Set<LooseSpan>>();
    this.#byChain.set(chain, ofChain);
    const ofUuid = ofChain.get(vconUuid) ?? new Set();
    ofChain.set(vconUuid, ofUuid.add(loose));
  }

  remove(loose: LooseSpan): void {
    const { spanId, chain, vconUuid = '' } = loose.span;
    this.#byId.delete(spanId);
    const ofChain = this.#byChain.get(chain);
    const ofUuid = ofChain?.get(vconUuid);
    ofUuid?.delete(loose);
    if (ofUuid?.size === 0) ofChain?.delete(vconUuid);
    if (ofChain?.size === 0) this.#byChain.delete(chain);
  }

  /** Those of a chain and one of a vCon's uuids. */
  of(chain: string, uuids: Iterable<string>): LooseSpan[] {
    const ofChain = this.#byChain.get(chain);
    if (!ofChain) return [];
    return [...new Set(uuids)].flatMap((uuid) => [...(ofChain.get(uuid) ?? [])]);
  }

  /** Those of a chain, whatever the uuid, at most so many. */
  ofChain(chain: string, limit: number): LooseSpan[] {
    const found: LooseSpan[] = [];
    for (const spans of this.#byChain.get(chain)?.values() ?? []) {
      found.push(...spans);
      if (found.length >= limit) break;
    }
    return found;
  }

  /** In the order in which they came. */
  [Symbol.iterator](): Iterator<LooseSpan> {
    return this.#byId.values();
  }
}
