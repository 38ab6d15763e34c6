import { z } from 'zod';
import { type EnvelopeKey, type EnvelopeSigner, keyOfHex, opened, sealed } from '../dsse.ts';
import { attestedName } from '../statement.ts';

//  A layout of in-toto (in-toto Specification 1.0, §4.3), in a DSSE envelope, for one chain: which links must run, in which order, and who
//  may attest them.

/** The chain stands in `readme`, signed like all else: a layout has no name. */
const CHAIN = /^The chain (".*") of a conserver\.$/s;

const Key = z.object({
  keytype: z.literal('ed25519'),
  scheme: z.literal('ed25519'),
  keyval: z.object({ public: z.string().regex(/^[0-9a-f]{64}$/) }),
});

const Layout = z.object({
  _type: z.literal('layout'),
  readme: z.string().regex(CHAIN),
  expires: z.iso.datetime(),
  keys: z.record(z.string(), Key),
  steps: z.array(z.object({ name: z.string(), pubkeys: z.array(z.string()) })),
});

/** What a chain has to be. */
export interface ChainLayout {
  readonly chain: string;
  /** The names of the steps, in order. */
  readonly steps: readonly string[];
  /** The ids of the keys that may attest them. */
  readonly keyids: ReadonlySet<string>;
  readonly keys: readonly EnvelopeKey[];
}

/** What code passes to {@link signedLayout}. */
export interface LayoutSettings {
  readonly chain: string;
  readonly links: readonly string[];
  /** Who may attest its steps. */
  readonly attesters: readonly EnvelopeKey[];
  readonly expires: Date;
}

/**
 * Signs the layout of a chain. Its rules say, to any verifier of in-toto, that each step is given what the step before it has left.
 * @returns the envelope, a line without its line break
 */
export function signedLayout(settings: LayoutSettings, signer: EnvelopeSigner): string {
  const { chain, links, attesters, expires } = settings;
  const names = links.map((_, index) => attestedName(links, index));
  const entries = attesters.map(({ keyid, hex }) => [
    keyid,
    { keyid, keytype: 'ed25519', scheme: 'ed25519', keyval: { public: hex } },
  ]);
  const layout = {
    _type: 'layout',
    readme: `The chain ${JSON.stringify(chain)} of a conserver.`,
    expires: `${expires.toISOString().slice(0, 19)}Z`,
    keys: Object.fromEntries(entries),
    steps: names.map((name, index) => ({
      _type: 'step',
      name,
      expected_materials: materialsAfter(names[index - 1]),
      expected_products: [...['vcon', 'document', 'run'].map((what) => ['ALLOW', what]), ['DISALLOW', '*']],
      pubkeys: attesters.map(({ keyid }) => keyid),
      expected_command: [],
      threshold: 1,
    })),
    inspect: [],
  };
  return sealed(layout, signer);
}

/** Why a layout cannot be used: what it is, in words that follow its name. */
export interface LayoutFault {
  readonly fault: 'bad_signature' | 'unknown_key' | 'unusable';
  readonly reason: string;
}

/** Reads a layout that one of the keys has to have signed. */
export function readLayout(
  text: string,
  keys: readonly EnvelopeKey[],
  now: number,
): ChainLayout | LayoutFault {
  const envelope = opened(text, keys);
  const layout = 'payload' in envelope ? Layout.safeParse(envelope.payload).data : undefined;
  if (envelope.state === 'bad_signature')
    return { fault: 'bad_signature', reason: 'is not what was signed: it was edited' };
  const chain = layout && chainOf(layout.readme);
  if (!layout || chain === undefined) return { fault: 'unusable', reason: 'is not the layout of a chain' };
  if (envelope.state !== 'signed')
    return { fault: 'unknown_key', reason: 'is signed by none of the given keys' };
  if (Date.parse(layout.expires) <= now) return { fault: 'unusable', reason: 'has expired: sign a new one' };
  return {
    chain,
    steps: layout.steps.map(({ name }) => name),
    keyids: new Set(layout.steps.flatMap(({ pubkeys }) => pubkeys)),
    keys: Object.values(layout.keys).map(({ keyval }) => keyOfHex(keyval.public)),
  };
}

/** The keys that layouts trust. */
export function attesterKeys(layouts: readonly ChainLayout[]): EnvelopeKey[] {
  const keys = layouts.flatMap((layout) => layout.keys.filter(({ keyid }) => layout.keyids.has(keyid)));
  return [...new Map(keys.map((key) => [key.keyid, key])).values()];
}

function chainOf(readme: string): string | undefined {
  try {
    return String(JSON.parse(CHAIN.exec(readme)?.[1] ?? ''));
  } catch {
    return undefined;
  }
}

function materialsAfter(previous: string | undefined): string[][] {
  const rule = (what: string) =>
    previous === undefined ? ['ALLOW', what] : ['MATCH', what, 'WITH', 'PRODUCTS', 'FROM', previous];
  return [rule('vcon'), rule('document'), ['DISALLOW', '*']];
}
