/** A source of random numbers that a seed repeats (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** JSON texts, and some that nearly are, with everything in them that Python and JavaScript write differently. */
export class RandomJson {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  /** Every fifth one has a fault or two, which may leave it JSON. */
  text(): string {
    const text = this.#space() + this.#value(0) + this.#space();
    return this.#random() < 0.2 ? this.#faulty(text) : text;
  }

  #value(depth: number): string {
    const kind = this.#below(depth > 5 ? 4 : 7);
    if (kind === 0) return this.#of(['true', 'false', 'null', 'NaN', 'Infinity', '-Infinity']);
    if (kind < 3) return this.#number();
    if (kind === 3) return this.#string();
    return kind === 4 ? this.#array(depth) : this.#object(depth);
  }

  #object(depth: number): string {
    const members = this.#several(() => {
      // Few names, so that they come twice; some spelled in two ways; some that JavaScript would put first.
      const key = this.#of([
        '"a"',
        '"\\u0061"',
        '"b"',
        '"2"',
        '"10"',
        '"1"',
        '"__proto__"',
        '"é"',
        '""',
        this.#string(),
      ]);
      return `${this.#space()}${key}${this.#space()}:${this.#space()}${this.#value(depth + 1)}${this.#space()}`;
    });
    return `{${members.join(',') || this.#space()}}`;
  }

  #array(depth: number): string {
    const items = this.#several(() => this.#space() + this.#value(depth + 1) + this.#space());
    return `[${items.join(',') || this.#space()}]`;
  }

  #number(): string {
    const sign = this.#of(['', '', '-']);
    const digits = (most: number) =>
      Array.from({ length: 1 + this.#below(most) }, () => this.#below(10)).join('');
    const integer = this.#of(['0', digits(3), digits(20), digits(400)]).replace(/^0+(?=\d)/, '');
    const fraction = this.#of([
      '',
      '',
      '.0',
      `.${digits(5)}`,
      `.${digits(25)}`,
      `.0000${digits(3)}`,
      `.${digits(2)}000`,
    ]);
    const exponent = this.#of([
      '',
      '',
      '',
      `e${digits(2)}`,
      `E+${digits(1)}`,
      `e-${digits(2)}`,
      'e+308',
      'e-320',
      'e16',
      'e-5',
    ]);
    // And any double as JavaScript writes it.
    const any =
      new Float64Array(new Uint32Array([this.#random() * 2 ** 32, this.#random() * 2 ** 32]).buffer)[0] ?? 0;
    return this.#random() < 0.2 && Number.isFinite(any) ? String(any) : sign + integer + fraction + exponent;
  }

  #string(): string {
    const pieces = this.#several(() =>
      this.#of([
        'word',
        ' ',
        'é—',
        '😀',
        '会議',
        '\u007f',
        '\u2028',
        '\ufffd',
        '\ud800',
        '\udc00x',
        '\\n\\t\\r\\b\\f',
        '\\"',
        '\\\\',
        '\\/',
        '/<>&',
        '\\u0000',
        '\\u001F',
        '\\u007f',
        '\\u00E9',
        '\\ud83d\\ude00',
        '\\ud83d',
        '\\uDE00',
        "'",
        `\\u${this.#below(65_536).toString(16).padStart(4, '0')}`,
        'x'.repeat(this.#below(200)),
        '語'.repeat(this.#below(50)),
      ]),
    );
    return `"${pieces.join('')}"`;
  }

  #space(): string {
    return this.#of(['', '', '', ' ', '\n  ', '\t', '\r\n']);
  }

  #faulty(text: string): string {
    const at = this.#below(text.length + 1);
    const other = this.#of([
      '',
      ',',
      ':',
      '"',
      '\\',
      '}',
      ']',
      '0',
      '-',
      '.',
      'e',
      '\u0001',
      '\n',
      '\u00a0',
      '\ufeff',
      '+',
      "'",
      '/**/',
      'nul',
    ]);
    return text.slice(0, at) + other + text.slice(at + this.#below(3));
  }

  #several(make: () => string): string[] {
    return Array.from({ length: this.#below(5) }, make);
  }

  #of(choices: readonly string[]): string {
    return choices[this.#below(choices.length)] ?? '';
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
