import { bounded } from '../model/memory.ts';
import type { ClosedRun } from './closed-run.ts';
import { PackedRuns, unpackRuns } from './packed-runs.ts';
import { PlaceIndex } from './place-index.ts';

/** Runs that are remembered, however short the time is in which they were closed. */
const MAX_KEPT = bounded(250_000, 1 / 8, 100);
/** Runs that are packed, and forgotten, together. */
const IN_A_PACK = 1_024;

/**
 * The runs that were closed lately, by whatever a latecomer may know of them. Almost none of them is ever looked for: they are kept in
 * bytes, and read when they are.
 */
export class ClosedRuns {
  /** Oldest first; all are full but the last. */
  #packs: PackedRuns[] = [];
  /** The places of the first run in a pack, of the first that is remembered, and of the next one. */
  #start = 0;
  #first = 0;
  #next = 0;
  /** By its id, and by its chain span's. */
  readonly #byName = new PlaceIndex();
  readonly #byUuid = new PlaceIndex();

  /** The run of a chain span. */
  of(rootSpanId: string): ClosedRun | undefined {
    return this.#last(this.#byName, rootSpanId, (run) => run.rootSpanId === rootSpanId);
  }

  /** Whether a run went by an id, rightly or not. */
  hasId(id: string): boolean {
    return this.#last(this.#byName, id, (run) => run.id === id) !== undefined;
  }

  /**
   * The run that a vCon was in at a time (milliseconds since the Unix epoch): its last one, since another passage of it follows seldom, and
   * later.
   */
  at(uuid: string, time: number): ClosedRun | undefined {
    const run = this.#last(this.#byUuid, uuid, ({ uuids }) => uuids.includes(uuid));
    return run && time >= run.from && time <= run.to ? run : undefined;
  }

  /** How many of the runs that were closed first need not be remembered any more. @param keep milliseconds */
  outdated(now: number, keep: number): number {
    let place = this.#first;
    for (; place < this.#next; place += 1) {
      const { pack, index } = this.#find(place);
      if (this.#next - place <= MAX_KEPT && now - pack.closedAt(index) < keep) break;
    }
    return place - this.#first;
  }

  /** As they are at this moment, packed, in the order in which they were closed. */
  get packed(): readonly Buffer[] {
    return this.#packs.map((pack, at) => pack.from(at === 0 ? this.#first - this.#start : 0));
  }

  /** Adds runs that were {@link packed}. */
  restore(packed: Buffer): void {
    for (const run of unpackRuns(packed)) this.add(run);
  }

  add(run: ClosedRun): void {
    const { id, rootSpanId = id, uuids } = run;
    const last = this.#packs.at(-1);
    const pack = last && last.count < IN_A_PACK ? last : new PackedRuns();
    if (pack !== last) this.#packs.push(pack);
    pack.add(run);
    for (const name of new Set([id, rootSpanId])) this.#byName.add(name, this.#next, this.#first);
    for (const uuid of uuids) this.#byUuid.add(uuid, this.#next, this.#first);
    this.#next += 1;
  }

  /** Forgets so many of those that were closed first. */
  forget(count: number): void {
    this.#first = Math.min(this.#first + count, this.#next);
    const packs = Math.floor((this.#first - this.#start) / IN_A_PACK);
    this.#packs = this.#packs.slice(packs);
    this.#start += packs * IN_A_PACK;
  }

  #find(place: number): { readonly pack: PackedRuns; readonly index: number } {
    const index = place - this.#start;
    const pack = this.#packs[Math.floor(index / IN_A_PACK)];
    if (!pack) throw new RangeError('no run is remembered at this place');
    return { pack, index: index % IN_A_PACK };
  }

  #run(place: number): ClosedRun {
    const { pack, index } = this.#find(place);
    return pack.get(index);
  }

  #last(by: PlaceIndex, text: string, is: (run: ClosedRun) => boolean): ClosedRun | undefined {
    const place = by.last(text, this.#first, this.#next, (at) => is(this.#run(at)));
    return place === undefined ? undefined : this.#run(place);
  }
}
