/** Bodies that nobody would send on purpose, the same ones for the same seed. */
export class Mutations {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0, below the limit (mulberry32). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** One of a list. */
  of<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('there is nothing to take from');
    return item;
  }

  /** Bytes without any meaning. */
  noise(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  /** A body with one or two things wrong with it. */
  wrong(body: Buffer, others: readonly Buffer[]): Buffer {
    let mutated = body;
    for (let times = 1 + this.below(2); times > 0; times--) mutated = this.#mutate(mutated, others);
    return mutated;
  }

  #mutate(body: Buffer, others: readonly Buffer[]): Buffer {
    const at = this.below(body.length + 1);
    const [head, tail] = [body.subarray(0, at), body.subarray(at)];
    switch (this.below(14)) {
      case 0:
        return head;
      case 1:
        return Buffer.concat([head, tail.subarray(this.below(16))]);
      case 2:
        return Buffer.concat([head, this.noise(1 + this.below(8)), tail]);
      case 3:
        return Buffer.concat([head, tail.subarray(0, this.below(200)), tail]);
      case 4: {
        const other = this.of(others);
        return Buffer.concat([head, other.subarray(this.below(other.length))]);
      }
      case 5:
        return Buffer.concat([head, Buffer.from(this.of(TOKENS), 'latin1'), tail]);
      default: {
        const flipped = Buffer.from(body);
        for (let times = 1 + this.below(4); times > 0 && flipped.length > 0; times--) {
          const byte = this.below(flipped.length);
          flipped[byte] = (flipped[byte] ?? 0) ^ (1 << this.below(8));
        }
        return flipped;
      }
    }
  }
}

/** What parsers stumble over: in JSON, and in protobuf. */
const TOKENS = [
  'null',
  '-1',
  '1e999',
  '{}',
  '[',
  '"',
  '\\u0000',
  '"__proto__":{},',
  '99999999999999999999',
  'true',
  '\xff\xff\xff\xff\x0f',
  '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01',
  '\x0b',
  '\x0a\x80\x80\x80\x80\x08',
  '\x00',
];
