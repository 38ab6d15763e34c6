import canonicalize from 'canonicalize';
import { z } from 'zod';
import type { Entity } from './entity.ts';
import { JlincError } from './failure.ts';

/** Complete, since it is signed. */
const Audit = z.looseObject({
  version: z.literal(1),
  hashType: z.literal('SHA256'),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  created: z.number(),
  eventId: z.string().min(1),
});

/** Whatever else an answer says is neither signed nor kept. */
const Signature = z.object({
  version: z.literal(1),
  id: z.string(),
  signedOn: z.number().optional(),
  type: z.literal('JWS/JCS'),
  jws: z.string(),
});

const Created = z.object({
  version: z.literal(1),
  eventId: z.string().min(1).max(128),
  created: z.number().optional(),
  type: z.literal('data'),
  senderId: z.string(),
  recipientId: z.string(),
  agreementId: z.string(),
  data: z.unknown(),
});

const Answer = z.looseObject({
  created: Created,
  processed: z.looseObject({
    auditData: z.looseObject({
      audit: Audit,
      signatures: z.array(Signature).min(1).max(16),
      meta: z.record(z.string(), z.unknown()),
    }),
  }),
});

/** The content of a verified answer to `event/produce`: the event as created, and the signed statement about it. */
export const Receipt = z.object({
  created: Created,
  audit: Audit,
  signatures: z.array(Signature).min(1).max(16),
});
export type Receipt = z.output<typeof Receipt>;

/** What was requested. */
export interface Produced {
  readonly sender: Entity;
  readonly recipient: Entity;
  readonly agreementId: string;
  readonly data: unknown;
  readonly meta: Readonly<Record<string, unknown>>;
}

/**
 * Verifies the answer to `event/produce`: that it is about what was requested, and that the sender – and anybody else who
 * signed – signed exactly this audit object with a key of the DID document pinned before. JLINC does not say what the
 * audit's `digest` is made of, so that is not checked: only the event's id binds it.
 * @throws JlincError `RECEIPT_INVALID`, permanent
 */
export async function verifyReceipt(answer: unknown, produced: Produced): Promise<Receipt> {
  const { data } = Answer.safeParse(answer);
  if (!data) throw refused('it is malformed');
  const { created, processed } = data;
  const { audit, signatures, meta } = processed.auditData;
  const { sender, recipient } = produced;
  if (created.agreementId !== produced.agreementId) throw refused('the agreement is another');
  if (!isSame(created.data, produced.data)) throw refused('the data are others');
  for (const [key, value] of Object.entries(produced.meta))
    if (!isSame(meta[key], value)) throw refused('the meta data are others');
  const receipt = { created, audit, signatures };
  await verifySignatures(receipt, sender, recipient);
  return receipt;
}

/**
 * Verifies a receipt by itself: that the audit is of its event, and that only sender and recipient signed it.
 * @throws JlincError `RECEIPT_INVALID`, permanent
 */
export async function verifySignatures(
  { created, audit, signatures }: Receipt,
  sender: Entity,
  recipient: Entity,
): Promise<void> {
  if (created.senderId !== sender.did || created.recipientId !== recipient.did)
    throw refused('the entities are others');
  if (audit.eventId !== created.eventId) throw refused('the event ids differ');
  if (!signatures.some(({ id }) => id === sender.did)) throw refused('the sender did not sign');
  for (const { id, jws } of signatures) {
    const signer = [sender, recipient].find(({ did }) => did === id);
    if (!signer) throw refused('somebody else signed');
    await verifySignature(jws, audit, signer);
  }
}

/**
 * Verifies a signature of type JWS/JCS: a compact JWS (RFC 7515) with `alg` EdDSA (RFC 8037) whose payload is the JCS form
 * (RFC 8785) of the audit object.
 * @throws JlincError `RECEIPT_INVALID`, permanent
 */
async function verifySignature(
  jws: string,
  audit: unknown,
  { did, keys }: Pick<Entity, 'did' | 'keys'>,
): Promise<void> {
  const payload = canonical(audit);
  const parts = jws.split('.');
  // The library also accepts padding, spaces and stray bits; then more than one text would be the same signature.
  if (!parts.every(isCanonicalBase64url)) throw refused('the signature is not well-formed');
  if (payload === undefined || parts[1] !== Buffer.from(payload).toString('base64url'))
    throw refused('something else was signed');
  const { compactVerify } = await import('jose');
  for (const x of keys) {
    const verified = await compactVerify(
      jws,
      { kty: 'OKP', crv: 'Ed25519', x },
      { algorithms: ['EdDSA'] },
    ).catch(() => undefined);
    if (!verified) continue;
    const { jwk, kid = jwk?.kid } = verified.protectedHeader;
    // The embedded key is never used to verify, but it must not contradict.
    if (jwk && (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || jwk.x !== x || (jwk.kid ?? did) !== did)) break;
    if (kid !== did) break;
    return;
  }
  throw refused('no pinned key made the signature');
}

function isCanonicalBase64url(text: string): boolean {
  return text !== '' && Buffer.from(text, 'base64url').toString('base64url') === text;
}

function isSame(a: unknown, b: unknown): boolean {
  const form = canonical(a);
  return form !== undefined && form === canonical(b);
}

/** RFC 8785; undefined if there is no such form. */
function canonical(value: unknown): string | undefined {
  try {
    return canonicalize(value);
  } catch {
    return undefined;
  }
}

/** @param fault in our own words */
function refused(fault: string): JlincError {
  return new JlincError('RECEIPT_INVALID', `a receipt does not verify: ${fault}`, { permanent: true });
}
