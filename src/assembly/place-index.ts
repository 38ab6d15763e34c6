/** Of each entry, its hash and its place. */
const WIDTH = 2;
/** At first: a power of two. */
const SLOTS = 1_024;
/** Shares of the slots that are taken: at most, and where they have just been put in order. */
const FULL = 0.75;
const LIVE = 0.5;
/** Seed and factor of FNV-1a, 32 bits. */
const SEED = 0x811c9dc5;
const FACTOR = 0x01000193;

/**
 * Where things are that go by some text, each at a place that grows with every one: eight bytes for an entry, and none of them for the
 * garbage collector. It knows their hashes only. What is before a place is forgotten all at once, without being asked for.
 */
export class PlaceIndex {
  #slots = new Uint32Array(SLOTS * WIDTH);
  #taken = 0;

  /** @param first the first place that is not forgotten */
  add(text: string, place: number, first: number): void {
    if ((this.#taken + 1) * WIDTH > this.#slots.length * FULL) this.#putInOrder(place, first);
    insert(this.#slots, hashOf(text), place);
    this.#taken += 1;
  }

  /**
   * The last place of what goes by a text.
   * @param first the first place that is not forgotten
   * @param is whether something at a place goes by it: others have the same hash
   */
  last(text: string, first: number, next: number, is: (place: number) => boolean): number | undefined {
    const slots = this.#slots;
    const hash = hashOf(text);
    let last: number | undefined;
    for (let at = slotOf(hash, slots); slots[at] !== 0; at = (at + WIDTH) & (slots.length - 1)) {
      if (slots[at] !== hash) continue;
      const place = whole(slots[at + 1] ?? 0, first);
      if (place < next && (last === undefined || place > last) && is(place)) last = place;
    }
    return last;
  }

  /** Leaves out what is forgotten, and makes room. */
  #putInOrder(next: number, first: number): void {
    const old = this.#slots;
    const isLive = (at: number) => old[at] !== 0 && whole(old[at + 1] ?? 0, first) < next;
    this.#taken = 0;
    for (let at = 0; at < old.length; at += WIDTH) if (isLive(at)) this.#taken += 1;
    let size = SLOTS * WIDTH;
    while (this.#taken * WIDTH > size * LIVE) size *= 2;
    this.#slots = new Uint32Array(size);
    for (let at = 0; at < old.length; at += WIDTH)
      if (isLive(at)) insert(this.#slots, old[at] ?? 0, old[at + 1] ?? 0);
  }
}

function insert(slots: Uint32Array, hash: number, place: number): void {
  let at = slotOf(hash, slots);
  while (slots[at] !== 0) at = (at + WIDTH) & (slots.length - 1);
  slots[at] = hash;
  slots[at + 1] = place;
}

function slotOf(hash: number, slots: Uint32Array): number {
  return (hash * WIDTH) & (slots.length - 1);
}

/** Of a place 32 bits are kept; no two that are not forgotten have the same. */
function whole(kept: number, first: number): number {
  return first + ((kept - first) >>> 0);
}

/** Never 0, which is a slot that is free. */
function hashOf(text: string): number {
  let hash = SEED;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), FACTOR);
  return hash >>> 0 || 1;
}
