import type { KeyStore } from '../../ledger/index.ts';
import { type Descriptor, HMAC } from './statement.ts';

/** Where a document was hashed that a step was given. */
export type TakenAt = 'entering' | 'after_previous_step';

/**
 * What a vCon, and a document of it, is called in statements: HMACs under the vCon's key, so that with the key they say whether it is
 * a given one, and without it nothing.
 */
export class KeyedDigests {
  readonly #keys: KeyStore;

  constructor(keys: KeyStore) {
    this.#keys = keys;
  }

  /** The vCon; undefined where its key was destroyed. */
  async vcon(uuid: string): Promise<Descriptor | undefined> {
    return descriptor('vcon', await this.#keys.hmac(uuid, VCON));
  }

  /** @param sha256 of the document, in hex, as it was hashed at that moment. @returns its digest; undefined where the key was destroyed */
  document(uuid: string, sha256: string): Promise<string | undefined> {
    return this.#keys.hmac(uuid, documentText(sha256));
  }
}

/** A document by its digest; undefined without one. */
export function documentOf(digest: string | undefined, taken?: TakenAt): Descriptor | undefined {
  const found = descriptor('document', digest);
  return found && taken ? { ...found, annotations: { taken } } : found;
}

/** What the HMAC of a vCon is made of. */
export const VCON = 'vcon-otel attestation vcon';

/** What the HMAC of a document is made of. */
function documentText(sha256: string): string {
  return `vcon-otel attestation document ${sha256}`;
}

function descriptor(name: 'vcon' | 'document', digest: string | undefined): Descriptor | undefined {
  return digest === undefined ? undefined : { name, digest: { [HMAC]: digest } };
}
