import { z } from 'zod';
import type { RecordFact, ReportedFact } from '../model/fact.ts';
import { isVconUuid } from '../model/vcon.ts';
import { invalid, MAX_LIST, name, names, onlyOne } from './names.ts';
import { readServerFact } from './server-fact.ts';

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
    links: names,
    index: z.int().min(-1).max(MAX_LIST),
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
 * Reads what a forwarder reports, of whatever version it is.
 * @throws VconOtelError `RECORD_INVALID`, naming the field, never quoting it
 */
export function readReport(value: unknown): ReportedFact {
  const isFact = typeof value === 'object' && value !== null && 'v' in value && value.v === 2;
  return isFact ? readServerFact(value) : readRecord(value);
}

/**
 * Reads a record of version 1. The Python conserver passes the uuid after the link as `in` and the one before it as `out`: this is
 * where they are swapped back.
 * @throws VconOtelError `RECORD_INVALID`, naming the field, never quoting it
 */
export function readRecord(value: unknown): RecordFact {
  const { success, data, error } = Wire.safeParse(value);
  if (!success) throw invalid(error);
  const { tracer, links, index, trace_id, span_id, root_span_id, chain, worker, seq, vcon_sha256 } = data;
  return {
    tracer,
    before: isVconUuid(data.out) ? data.out : undefined,
    after: isVconUuid(data.in) ? data.in : undefined,
    links: onlyOne(links),
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
