/** What the server's configuration says of a chain. */
export interface ConfiguredChain {
  readonly links?: readonly string[] | undefined;
  readonly storages?: readonly string[] | undefined;
  /** Milliseconds after which a run of this chain that is not heard of any more is given up. */
  readonly timeout?: number | undefined;
}

/** The chains that are configured, at one time. */
export class ConfiguredChains {
  /** By name. */
  readonly byName: ReadonlyMap<string, ConfiguredChain>;
  /** By their links; undefined where several have the same. */
  readonly #byLinks = new Map<string, string | undefined>();

  constructor(byName: ReadonlyMap<string, ConfiguredChain>) {
    this.byName = byName;
    for (const [name, { links }] of byName) {
      if (!links) continue;
      const key = keyOf(links);
      this.#byLinks.set(key, this.#byLinks.has(key) ? undefined : name);
    }
  }

  get(chain: string | undefined): ConfiguredChain | undefined {
    return chain === undefined ? undefined : this.byName.get(chain);
  }

  /** The only chain with these links, if there is only one. */
  onlyWith(links: readonly string[]): string | undefined {
    return this.#byLinks.get(keyOf(links));
  }
}

/** No name has a line break in it. */
function keyOf(links: readonly string[]): string {
  return links.join('\n');
}
