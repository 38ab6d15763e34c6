import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import canonicalize from 'canonicalize';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Entity, readEntity } from '../../../src/tracers/jlinc/entity.ts';
import { JlincError } from '../../../src/tracers/jlinc/failure.ts';
import { type Produced, verifyReceipt } from '../../../src/tracers/jlinc/receipt.ts';

const fixture = join(import.meta.dirname, '../../../../shared/fixtures/jlinc-responses.json');

/** An answer to `event/produce` as a test changes it. */
const Answer = z.looseObject({
  created: z.looseObject({ data: z.record(z.string(), z.unknown()) }),
  processed: z.looseObject({
    auditData: z.looseObject({
      audit: z.record(z.string(), z.unknown()),
      signatures: z.tuple([z.looseObject({ jws: z.string() })]),
      meta: z.record(z.string(), z.unknown()),
    }),
  }),
});
type Answer = z.output<typeof Answer>;
type DidDoc = Record<string, unknown> & { verificationMethod: Record<string, unknown>[] };

/** What a check is made of: the answer, the two documents it is checked against, what was asked for. */
interface Exchange {
  readonly answer: Answer;
  readonly sender: DidDoc;
  readonly recipient: DidDoc;
  readonly asked: { data: unknown; meta: Record<string, unknown>; agreementId: string };
}

function genuine(): Exchange {
  const [, sender, recipient, produce] = JSON.parse(readFileSync(fixture, 'utf8'));
  const answer = Answer.parse(produce.response);
  return {
    answer,
    sender: sender.response.didDoc,
    recipient: recipient.response.didDoc,
    asked: {
      data: { hash: 'bef91b779cc949404fa041ee5f6b70cd3496b5c5d8c84724673a0e84a288830d' },
      meta: {
        in_vcon_uuid: '123e4567-e89b-12d3-a456-426614174000',
        out_vcon_uuid: '123e4567-e89b-12d3-a456-426614174000',
      },
      agreementId: '00000000-0000-0000-0000-000000000000',
    },
  };
}

function entityOf(document: DidDoc): Entity {
  const entity = readEntity(String(document.shortName), { didDoc: document });
  if (!entity) throw new Error('no entity');
  return entity;
}

/** `verified`, or the code and the words of the refusal. */
async function outcome({ answer, sender, recipient, asked }: Exchange): Promise<string> {
  try {
    const produced: Produced = { sender: entityOf(sender), recipient: entityOf(recipient), ...asked };
    const receipt = await verifyReceipt(answer, produced);
    expect(receipt.signatures.length).toBeGreaterThan(0);
    return 'verified';
  } catch (error) {
    if (!(error instanceof JlincError)) throw error;
    expect(error.permanent).toBe(true);
    return `${error.code}: ${error.message}`;
  }
}

const base64url = (data: string | Uint8Array) => Buffer.from(data).toString('base64url');

/** Takes the JWS apart. */
function jwsOf({ answer }: Exchange) {
  const [signature] = answer.processed.auditData.signatures;
  const [header = '', payload = '', value = ''] = signature.jws.split('.');
  return { signature, header: JSON.parse(Buffer.from(header, 'base64url').toString()), payload, value };
}

/** Puts another header before the payload, and the old signature or a new one behind it. */
function withHeader(
  exchange: Exchange,
  change: (header: Record<string, unknown>) => unknown,
  key?: KeyObject,
): void {
  const { signature, header, payload, value } = jwsOf(exchange);
  const signed = `${base64url(JSON.stringify(change(header)))}.${payload}`;
  signature.jws = `${signed}.${key ? base64url(sign(null, Buffer.from(signed), key)) : value}`;
}

const foreign = generateKeyPairSync('ed25519');
const foreignX = String(foreign.publicKey.export({ format: 'jwk' }).x);

function pin(document: DidDoc, change: Record<string, unknown>): void {
  Object.assign(document.verificationMethod[0] ?? {}, change);
}

type Mutation = (exchange: Exchange) => void;

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'alg none': (one) => withHeader(one, (header) => ({ ...header, alg: 'none' })),
  'alg none, no signature': (one) => {
    withHeader(one, (header) => ({ ...header, alg: 'none' }));
    const { signature } = jwsOf(one);
    signature.jws = signature.jws.replace(/[^.]+$/, '');
  },
  'alg HS256': (one) => withHeader(one, (header) => ({ ...header, alg: 'HS256' })),
  'alg Ed25519': (one) => withHeader(one, (header) => ({ ...header, alg: 'Ed25519' })),
  'alg eddsa': (one) => withHeader(one, (header) => ({ ...header, alg: 'eddsa' })),
  'no alg': (one) => withHeader(one, ({ alg: _, ...header }) => header),
  'foreign jwk that did sign': (one) =>
    withHeader(
      one,
      (header) => ({ ...header, jwk: { ...(header.jwk as object), x: foreignX } }),
      foreign.privateKey,
    ),
  'foreign jwk': (one) =>
    withHeader(one, (header) => ({ ...header, jwk: { ...(header.jwk as object), x: foreignX } })),
  'foreign key that did sign under the right jwk': (one) =>
    withHeader(one, (header) => header, foreign.privateKey),
  kid: (one) =>
    withHeader(one, (header) => ({
      ...header,
      jwk: { ...(header.jwk as object), kid: 'did:jlinc:someone' },
    })),
  crit: (one) => withHeader(one, (header) => ({ ...header, crit: ['b64'], b64: false })),
  'header with a space': (one) => {
    const { signature, header, payload, value } = jwsOf(one);
    signature.jws = `${base64url(`${JSON.stringify(header)} `)}.${payload}.${value}`;
  },
  payload: (one) => {
    const { signature, header, payload, value } = jwsOf(one);
    const other = base64url(Buffer.from(payload, 'base64url').toString().replace('2d35', '2d36'));
    signature.jws = `${base64url(JSON.stringify(header))}.${other}.${value}`;
  },
  'payload and audit': (one) => {
    const { signature, header, value } = jwsOf(one);
    one.answer.processed.auditData.audit.digest = '0'.repeat(64);
    const payload = base64url(canonicalize(one.answer.processed.auditData.audit) ?? '');
    signature.jws = `${base64url(JSON.stringify(header))}.${payload}.${value}`;
  },
  'padding of the signature': (one) => {
    jwsOf(one).signature.jws += '==';
  },
  'loose bits of the signature': (one) => {
    const { signature } = jwsOf(one);
    signature.jws = signature.jws.replace(/w$/, 'x');
  },
  'a fourth part': (one) => {
    jwsOf(one).signature.jws += '.AAAA';
  },
  'an empty signature': (one) => {
    jwsOf(one).signature.jws = '';
  },
  'audit digest': ({ answer }) => {
    answer.processed.auditData.audit.digest = 'f'.repeat(64);
  },
  'audit with more in it': ({ answer }) => {
    answer.processed.auditData.audit.more = 1;
  },
  'audit eventId': ({ answer }) => {
    answer.processed.auditData.audit.eventId = '0fb26e5a-e7f7-4c49-b4aa-1c39fbe8ecc3';
  },
  'created eventId': ({ answer }) => {
    answer.created.eventId = '0fb26e5a-e7f7-4c49-b4aa-1c39fbe8ecc3';
  },
  data: ({ answer }) => {
    answer.created.data.hash = `0${String(answer.created.data.hash).slice(1)}`;
  },
  'data with more in it': ({ answer }) => {
    answer.created.data.more = null;
  },
  'no data': ({ answer }) => {
    Reflect.deleteProperty(answer.created, 'data');
  },
  senderId: ({ answer }) => {
    answer.created.senderId = answer.created.recipientId;
  },
  recipientId: ({ answer }) => {
    answer.created.recipientId = answer.created.senderId;
  },
  agreementId: ({ answer }) => {
    answer.created.agreementId = '00000000-0000-0000-0000-000000000001';
  },
  'event type': ({ answer }) => {
    answer.created.type = 'control';
  },
  meta: ({ answer }) => {
    answer.processed.auditData.meta.out_vcon_uuid = '123e4567-e89b-12d3-a456-426614174001';
  },
  'meta without what was sent': ({ asked }) => {
    asked.meta.record_id = '00000000-0000-8000-8000-000000000000';
  },
  'signature id': (one) => {
    Object.assign(jwsOf(one).signature, { id: one.recipient.id });
  },
  'signature of somebody else': (one) => {
    Object.assign(jwsOf(one).signature, { id: 'did:jlinc:someone' });
  },
  'signature type': (one) => {
    Object.assign(jwsOf(one).signature, { type: 'JWS' });
  },
  'signature version': (one) => {
    Object.assign(jwsOf(one).signature, { version: 2 });
  },
  'no signatures': ({ answer }) => {
    Object.assign(answer.processed.auditData, { signatures: [] });
  },
  'no processed': ({ answer }) => {
    Reflect.deleteProperty(answer, 'processed');
  },
  'another pinned key': ({ sender }) => pin(sender, { key: foreignX }),
  'a pinned key that is deactivated': ({ sender }) => pin(sender, { deactivated: '2025-08-09T00:00:00Z' }),
  'a pinned key of another controller': ({ sender }) => pin(sender, { controller: 'did:jlinc:someone' }),
  'a pinned document that is deactivated': ({ sender }) => {
    sender.deactivated = true;
  },
};

describe.skipIf(!existsSync(fixture))('the genuine receipt (skipped where ../shared is not there)', () => {
  test('verifies', async () => expect(await outcome(genuine())).toBe('verified'));

  test('verifies with a key that came after another one, and with more in meta', async () => {
    const one = genuine();
    one.sender.verificationMethod.unshift({ ...one.sender.verificationMethod[0], key: foreignX });
    one.answer.processed.auditData.meta.more = 1;
    expect(await outcome(one)).toBe('verified');
  });

  test('verifies where documents say nothing of being deactivated', async () => {
    const one = genuine();
    Reflect.deleteProperty(one.sender, 'deactivated');
    for (const method of one.sender.verificationMethod) Reflect.deleteProperty(method, 'deactivated');
    expect(await outcome(one)).toBe('verified');
  });

  test.each(Object.entries(MUTATIONS))('does not verify with another one: %s', async (_name, mutate) => {
    const one = genuine();
    mutate(one);
    expect(await outcome(one)).toMatch(/^(RECEIPT_INVALID|ENTITY_INVALID): [a-zA-Z ]+(: [a-z -]+)?$/);
  });

  test('does not verify with any character of the signature changed', async () => {
    const { jws } = jwsOf(genuine()).signature;
    for (let at = 0; at < jws.length; at += 1) {
      const one = genuine();
      const other = jws[at] === 'A' ? 'B' : 'A';
      jwsOf(one).signature.jws = jws.slice(0, at) + other + jws.slice(at + 1);
      expect(await outcome(one)).toMatch(/^RECEIPT_INVALID/);
    }
  });
});

test.each([null, 1, 'text', [], {}, { created: {} }, { created: null, processed: null }])(
  'an answer of another kind is no receipt: %o',
  async (answer) => {
    const entity: Entity = { shortName: 'a@b', did: 'did:jlinc:a', keys: [foreignX] };
    const produced = { sender: entity, recipient: entity, agreementId: 'a', data: {}, meta: {} };
    await expect(verifyReceipt(answer, produced)).rejects.toMatchObject({
      code: 'RECEIPT_INVALID',
      permanent: true,
    });
  },
);
