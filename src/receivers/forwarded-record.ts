import { z } from 'zod';
import { VconOtelError } from '../model/error.ts';
import { isVconUuid } from '../model/vcon.ts';

/**
 * One call of a tracer's `run` in a Python conserver, as its forwarder sent it (CONSERVER §6). The ids are hints: they can
 * be those of another run, or missing.
 */
export interface ForwardedRecord {
  /** The name of the forwarding tracer there. */
  readonly tracer: string;
  /** uuid before the link and after it; absent where it is none (a link that returned `True`). */
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly links: readonly string[];
  /** -1 before the first link. */
  readonly index: number;
  /** Nanoseconds since the Unix epoch. */
  readonly time: bigint;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  /** Of the chain span, as far as the forwarder could tell. */
  readonly rootSpanId: string | undefined;
  readonly chain: string | undefined;
  readonly worker: { readonly host: string; readonly pid: number };
  /** Grows by one with every record of a worker. */
  readonly seq: number;
  /** SHA-256 (hex) of the document the chain goes on with, at that moment. */
  readonly vconSha256: string | undefined;
}

const MAX_LINKS = 1_000;
const name = z.string().min(1).max(256);
const hex = (length: number) =>
  z
    .string()
    .regex(new RegExp(`^(?!0+$)[0-9a-f]{${length}}$`))
    .optional()
    .catch(undefined);

const Wire = z
  .object({
    v: z.literal(1),
    kind: z.literal('run'),
    tracer: name,
    in: z.unknown(),
    out: z.unknown(),
    links: z.array(name).max(MAX_LINKS),
    index: z.int().min(-1).max(MAX_LINKS),
    ts: z.string().regex(/^\d{1,20}$/),
    trace_id: hex(32),
    span_id: hex(16),
    root_span_id: hex(16),
    chain: name.optional().catch(undefined),
    worker: z.object({ host: z.string().max(256), pid: z.int().min(0) }),
    seq: z.int().min(0),
    vcon_sha256: hex(64),
  })
  .refine(({ index, links }) => index < Math.max(links.length, 1), { path: ['index'] });

/**
 * Reads a record. The Python conserver passes the uuid after the link as `in` and the one before it as `out`: here they
 * are put right, once.
 * @throws VconOtelError `RECORD_INVALID`, naming the field, never quoting it
 */
export function readRecord(value: unknown): ForwardedRecord {
  const { success, data, error } = Wire.safeParse(value);
  if (!success) {
    const field = error.issues[0]?.path.join('.');
    throw new VconOtelError(
      'RECORD_INVALID',
      field ? `a record has no valid ${field}` : 'a record is not a JSON object',
    );
  }
  const { tracer, links, index, trace_id, span_id, root_span_id, chain, worker, seq, vcon_sha256 } = data;
  return {
    tracer,
    before: isVconUuid(data.out) ? data.out : undefined,
    after: isVconUuid(data.in) ? data.in : undefined,
    links,
    index,
    time: BigInt(data.ts),
    traceId: trace_id,
    spanId: span_id,
    rootSpanId: root_span_id,
    chain,
    worker,
    seq,
    vconSha256: vcon_sha256,
  };
}
