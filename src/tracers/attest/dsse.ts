import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';

//  Dead Simple Signing Envelope 1.0 (secure-systems-lab/dsse, protocol.md and envelope.md), with Ed25519.

/** The payload type of everything of in-toto. */
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

const Envelope = z.object({
  payload: z.string(),
  payloadType: z.literal(PAYLOAD_TYPE),
  signatures: z.array(z.object({ keyid: z.string(), sig: z.string() })).min(1),
});

/** A key that verifies envelopes. */
export interface EnvelopeKey {
  /** As `securesystemslib` has it: SHA-256, in hex, of the canonical JSON of the key. */
  readonly keyid: string;
  /** The 32 bytes in hex. */
  readonly hex: string;
  readonly key: KeyObject;
}

/** A key that signs envelopes. */
export interface EnvelopeSigner extends EnvelopeKey {
  readonly privateKey: KeyObject;
}

/** What an envelope was found to be. */
export type OpenedEnvelope =
  | { readonly state: 'signed'; readonly payload: unknown; readonly by: EnvelopeKey }
  | { readonly state: 'unknown_key' | 'bad_signature'; readonly payload: unknown }
  | { readonly state: 'malformed' };

/** @param key an Ed25519 key, public or private */
export function envelopeKey(key: KeyObject): EnvelopeKey {
  const published = key.type === 'private' ? createPublicKey(key) : key;
  const hex = Buffer.from(published.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex');
  const canonical = `{"keytype":"ed25519","keyval":{"public":"${hex}"},"scheme":"ed25519"}`;
  return { keyid: hash('sha256', canonical, 'hex'), hex, key: published };
}

/** @param hex the 32 bytes of a public key */
export function keyOfHex(hex: string): EnvelopeKey {
  const x = Buffer.from(hex, 'hex').toString('base64url');
  return envelopeKey(createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } }));
}

/** Signs a payload. @returns the envelope, a line without its line break; the same payload and key give the same one */
export function sealed(payload: unknown, { keyid, privateKey }: EnvelopeSigner): string {
  const bytes = Buffer.from(JSON.stringify(payload));
  const sig = sign(null, preAuthEncoding(bytes), privateKey).toString('base64');
  return JSON.stringify({
    payload: bytes.toString('base64'),
    payloadType: PAYLOAD_TYPE,
    signatures: [{ keyid, sig }],
  });
}

/** Opens an envelope with the keys that are trusted: one signature of one of them is enough, and none of theirs may be wrong. */
export function opened(text: string, keys: readonly EnvelopeKey[]): OpenedEnvelope {
  const parsed = Envelope.safeParse(parsedJson(text)).data;
  const bytes = parsed && decoded(parsed.payload);
  const payload = bytes && parsedJson(bytes.toString());
  if (!parsed || !bytes || payload === undefined) return { state: 'malformed' };
  const signed = preAuthEncoding(bytes);
  let by: EnvelopeKey | undefined;
  for (const { keyid, sig } of parsed.signatures) {
    const known = keys.find((key) => key.keyid === keyid);
    if (!known) continue;
    const signature = decoded(sig);
    if (!signature || !verify(null, signed, known.key, signature)) return { state: 'bad_signature', payload };
    by ??= known;
  }
  return by ? { state: 'signed', payload, by } : { state: 'unknown_key', payload };
}

/** PAE of protocol.md: type and body, each after its length. */
function preAuthEncoding(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${body.length} `), body]);
}

/** Either alphabet of base64 is allowed. */
function decoded(base64: string): Buffer | undefined {
  return /^[\w+/-]*={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : undefined;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
