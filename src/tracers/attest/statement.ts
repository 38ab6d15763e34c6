import { z } from 'zod';

//  An in-toto Statement v1 with a link predicate (in-toto/attestation, spec/v1/statement.md and spec/predicates/link.md).

const STATEMENT = 'https://in-toto.io/Statement/v1';
const LINK = 'https://in-toto.io/attestation/link/v0.3';

/** Of a key that can be destroyed, so it is no digest that anybody else could make. */
export const HMAC = 'hmacSha256';

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.iso.datetime();

/** What a vCon or a document is called in statements. */
const descriptor = z.strictObject({
  name: z.enum(['vcon', 'document', 'run']),
  digest: z.union([z.strictObject({ [HMAC]: hex }), z.strictObject({ sha256: hex })]),
  /** When the document was hashed: where it entered the step, or where it left the one before. */
  annotations: z.strictObject({ taken: z.enum(['entering', 'after_previous_step']) }).optional(),
});
export type Descriptor = z.infer<typeof descriptor>;

/** What is said of one step of a run, or of its end. */
export const LinkStatement = z.strictObject({
  _type: z.literal(STATEMENT),
  subject: z.array(descriptor).min(1),
  predicateType: z.literal(LINK),
  predicate: z.strictObject({
    name: z.string(),
    command: z.tuple([]),
    materials: z.array(descriptor),
    byproducts: z.strictObject({
      outcome: z.enum(['success', 'halt', 'complete', 'halted', 'error', 'unknown']),
      error_type: z.string().optional(),
      started: time.optional(),
      ended: time,
      inferred: z.array(z.string()).optional(),
    }),
    environment: z.strictObject({
      stage: z.enum(['link', 'chain']),
      chain: z.string(),
      links: z.array(z.string()),
      index: z.int().min(0).optional(),
      run_id: z.string(),
      event_id: z.string(),
      trace_id: z.string(),
      span_id: z.string(),
      sender: z.string().optional(),
    }),
  }),
});
export type LinkStatement = z.infer<typeof LinkStatement>;

/** @param parts what differs from one statement to the next */
export function statementOf(
  subject: readonly Descriptor[],
  predicate: LinkStatement['predicate'],
): LinkStatement {
  return { _type: STATEMENT, subject: [...subject], predicateType: LINK, predicate };
}

/**
 * The name of a step: its link's, and where a chain has the same link again, that with `#2` and so on, because the names of a layout's
 * steps differ.
 */
export function attestedName(links: readonly string[], index: number): string {
  const name = links[index] ?? '';
  const earlier = links.slice(0, index).filter((link) => link === name).length;
  return earlier === 0 ? name : `${name}#${earlier + 1}`;
}

/** What a statement says that a document, or a vCon, was. */
export function digestOf(of: readonly Descriptor[], name: Descriptor['name']): string | undefined {
  const [digest] = Object.values(of.find((found) => found.name === name)?.digest ?? {});
  return digest;
}
