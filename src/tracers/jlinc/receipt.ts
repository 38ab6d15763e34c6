import canonicalize from 'canonicalize';
import { compactVerify } from 'jose';
import { z } from 'zod';
import type { Entity } from './entity.ts';
import { JlincError } from './failure.ts';

const Audit = z.looseObject({
  version: z.literal(1),
  hashType: z.literal('SHA256'),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  created: z.number(),
  eventId: z.string().min(1),
});

const Signature = z.looseObject({
  version: z.literal(1),
  id: z.string(),
  type: z.literal('JWS/JCS'),
  jws: z.string(),
});

const Created = z.looseObject({
  version: z.literal(1),
  eventId: z.string().min(1).max(128),
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

/** What a verified answer to `event/produce` says: the event as it was made, and the signed statement about it. */
export interface Receipt {
  readonly created: z.output<typeof Created>;
  readonly audit: z.output<typeof Audit>;
  readonly signatures: readonly z.output<typeof Signature>[];
}

/** What was asked for. */
export interface Produced {
  readonly sender: Entity;
  readonly recipient: Entity;
  readonly agreementId: string;
  readonly data: unknown;
  readonly meta: Readonly<Record<string, unknown>>;
}

/**
 * Verifies the answer to `event/produce`: that it is about what was asked for, and that the sender – and whoever else
 * signed – signed exactly this audit object with a key of the DID document pinned before. What the audit's `digest` is
 * made of JLINC does not say, so that is not checked: it is bound by the event's id alone.
 * @throws JlincError `RECEIPT_INVALID`, permanent
 */
export async function verifyReceipt(answer: unknown, produced: Produced): Promise<Receipt> {
  const { data } = Answer.safeParse(answer);
  if (!data) throw refused('it is malformed');
  const { created, processed } = data;
  const { audit, signatures, meta } = processed.auditData;
  const { sender, recipient } = produced;
  if (created.senderId !== sender.did || created.recipientId !== recipient.did)
    throw refused('the entities are others');
  if (created.agreementId !== produced.agreementId) throw refused('the agreement is another');
  if (!isSame(created.data, produced.data)) throw refused('the data are others');
  for (const [key, value] of Object.entries(produced.meta))
    if (!isSame(meta[key], value)) throw refused('the meta data are others');
  if (audit.eventId !== created.eventId) throw refused('the event ids differ');
  if (!signatures.some(({ id }) => id === sender.did)) throw refused('the sender did not sign');
  for (const { id, jws } of signatures) {
    const signer = [sender, recipient].find(({ did }) => did === id);
    if (!signer) throw refused('somebody else signed');
    await verifySignature(jws, audit, signer);
  }
  return { created, audit, signatures };
}

/**
 * Verifies a signature of type JWS/JCS: a compact JWS (RFC 7515) with `alg` EdDSA (RFC 8037) whose payload is the JCS form
 * (RFC 8785) of the audit object.
 * @throws JlincError `RECEIPT_INVALID`, permanent
 */
export async function verifySignature(
  jws: string,
  audit: unknown,
  { did, keys }: Pick<Entity, 'did' | 'keys'>,
): Promise<void> {
  const payload = canonicalize(audit);
  const parts = jws.split('.');
  // The library takes paddings, spaces and loose bits as well; then more than one text would be the same signature.
  if (!parts.every(isCanonicalBase64url)) throw refused('the signature is not well-formed');
  if (parts[1] !== Buffer.from(payload ?? '').toString('base64url'))
    throw refused('something else was signed');
  for (const x of keys) {
    const verified = await compactVerify(
      jws,
      { kty: 'OKP', crv: 'Ed25519', x },
      { algorithms: ['EdDSA'] },
    ).catch(() => undefined);
    if (!verified) continue;
    const { jwk, kid = jwk?.kid } = verified.protectedHeader;
    // The embedded key is never what is verified with, but it must not say otherwise.
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
  try {
    return canonicalize(a) === canonicalize(b);
  } catch {
    return false;
  }
}

/** @param fault in words of ours */
function refused(fault: string): JlincError {
  return new JlincError('RECEIPT_INVALID', `a receipt does not verify: ${fault}`, { permanent: true });
}
