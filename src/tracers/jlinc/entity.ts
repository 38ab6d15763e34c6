import { z } from 'zod';
import { JlincError } from './failure.ts';

/** An entity as it was when fetched: its signatures are checked against this from then on. */
export interface Entity {
  readonly shortName: string;
  readonly did: string;
  /** Ed25519 public keys that are in force, base64url. */
  readonly keys: readonly string[];
}

/** The part of a JLINC DID document that we read (W3C DID Core §5, with JLINC's `key` and `deactivated`). */
const DidDocument = z.looseObject({
  id: z.string().startsWith('did:').max(1_024),
  shortName: z.string(),
  deactivated: z.unknown().optional(),
  verificationMethod: z
    .array(
      z.looseObject({
        key: z.string(),
        controller: z.string().optional(),
        deactivated: z.unknown().optional(),
      }),
    )
    .max(100),
});

/** An answer with a DID document; one without says that there is no such entity. */
const Answer = z.looseObject({ didDoc: z.unknown().optional() });

/**
 * Reads the answer to `entity/get` or `entity/create`.
 * @returns undefined if there is no such entity
 * @throws JlincError `ENTITY_INVALID`, permanent: a document of another entity, one that is deactivated, or one without a
 * key in force
 */
export function readEntity(shortName: string, answer: unknown): Entity | undefined {
  const { data: { didDoc } = {} } = Answer.safeParse(answer);
  if (didDoc === undefined || didDoc === null) return undefined;
  const { data: document } = DidDocument.safeParse(didDoc);
  if (!document) throw invalid('is malformed');
  if (document.shortName !== shortName) throw invalid('is of another entity');
  if (isDeactivated(document.deactivated)) throw invalid('is deactivated');
  const keys = document.verificationMethod
    .filter(({ controller = document.id }) => controller === document.id)
    .filter(({ deactivated }) => !isDeactivated(deactivated))
    .map(({ key }) => key)
    .filter((key) => ED25519_KEY.test(key));
  if (keys.length === 0) throw invalid('has no key in force');
  return { shortName, did: document.id, keys };
}

/** 32 bytes in base64url (RFC 8037 §2). */
const ED25519_KEY = /^[A-Za-z0-9_-]{43}$/;

/** A key or document in force says null or false; one that is not says true, or since when. */
function isDeactivated(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

function invalid(fault: string): JlincError {
  return new JlincError('ENTITY_INVALID', `the DID document of an entity ${fault}`, { permanent: true });
}
