import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { MAX_VCON_LENGTH } from '../../model/vcon.ts';
import { JlincError } from './failure.ts';
import type { JlincOptions } from './options.ts';
import { pythonJson } from './python-json.ts';

/** What an event says about the document: the document itself, or its fingerprint. */
export interface EventData {
  /** The text that is sent. */
  readonly json: string;
  /** The same, parsed. */
  readonly value: unknown;
}

/** Keyed hashes, with a key for each vCon that can be destroyed (the ledger's `KeyStore`). */
export interface VconKeys {
  /** Undefined if the key was destroyed. */
  hmac(vconUuid: string, text: string): Promise<string | undefined>;
}

/** A larger document could not be answered: answers are capped at 4 MiB, and they echo it. */
const MAX_SENT = 4_000_000;

/**
 * Makes an event's `data` of a document's text.
 * @param keys for `hmac`
 * @throws JlincError `VCON_INVALID` or `VCON_TOO_LARGE`, permanent; the text is never quoted
 */
export async function eventData(
  { hash_event_data, hash }: Pick<JlincOptions, 'hash_event_data' | 'hash'>,
  uuid: string,
  text: string,
  keys: VconKeys,
): Promise<EventData> {
  if (text.length > MAX_VCON_LENGTH) throw tooLarge();
  if (!hash_event_data) {
    if (Buffer.byteLength(text) > MAX_SENT) throw tooLarge();
    // The receipt will be compared with it by its canonical form.
    canonical(text);
    // As text, so that no number loses digits on the way.
    return { json: text, value: parse(text) };
  }
  const value = await fingerprint(hash, uuid, text, keys);
  return { json: JSON.stringify(value), value };
}

async function fingerprint(hash: JlincOptions['hash'], uuid: string, text: string, keys: VconKeys) {
  switch (hash) {
    case 'jcs':
      return { hash: sha256(canonical(text)), alg: 'sha256', canon: 'jcs' };
    case 'hmac':
      // Null if the vCon was shredded: its passage is recorded all the same.
      return { hash: (await keys.hmac(uuid, canonical(text))) ?? null, alg: 'hmac-sha256', canon: 'jcs' };
    case 'python-compat':
      return { hash: sha256(pythonJson(text)), alg: 'sha256', canon: 'python-compat' };
  }
}

/** RFC 8785, in which every number is a double: an integer beyond 2^53 is the nearest one, for whoever computes it. */
function canonical(text: string): string {
  try {
    const made = canonicalize(parse(text));
    if (made !== undefined) return made;
  } catch {
    // It has no canonical form: half a surrogate pair, or a number too large for a double.
  }
  throw new JlincError('VCON_INVALID', 'the document has no canonical form', { permanent: true });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new JlincError('VCON_INVALID', 'the document is not JSON', { permanent: true });
  }
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function tooLarge(): JlincError {
  return new JlincError('VCON_TOO_LARGE', 'the document is too large to be sent', { permanent: true });
}
