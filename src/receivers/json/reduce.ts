import { errorType, VconOtelError } from '../../model/error.ts';
import type { ReportedFact, SpanFact } from '../../model/fact.ts';
import { readReport } from '../forwarded-record.ts';
import { readJson } from '../otlp/json.ts';
import type { DecodedTraces } from '../otlp/receive.ts';
import { parseJson } from './parse.ts';

/** Records of one request. */
const MAX_RECORDS = 10_000;

/** What reading leaves of each kind of body: a list of this, and counts. */
export interface Reductions {
  traces: { readonly item: SpanFact; readonly counts: Omit<DecodedTraces, 'spans'> };
  records: { readonly item: ReadRecord; readonly counts: Readonly<Record<string, never>> };
}

/** A record, or what is wrong with it. */
export type ReadRecord = { readonly record: ReportedFact } | { readonly error: string };

export interface Reduced<Kind extends keyof Reductions> {
  readonly items: readonly Reductions[Kind]['item'][];
  readonly counts: Reductions[Kind]['counts'];
}

/**
 * Reads a body of JSON and keeps only what is needed.
 * @throws VconOtelError `BODY_INVALID`
 */
export function reduce<Kind extends keyof Reductions>(kind: Kind, body: Buffer): Reduced<Kind> {
  return REDUCE[kind](parseJson(body));
}

const REDUCE: { readonly [Kind in keyof Reductions]: (value: unknown) => Reduced<Kind> } = {
  traces: (request) => {
    const { spans, ignored, rejected } = readJson(request);
    return { items: spans, counts: { ignored, rejected } };
  },
  records: (request) => {
    const records: readonly unknown[] = Array.isArray(request) ? request : [request];
    if (records.length > MAX_RECORDS)
      throw new VconOtelError('BODY_INVALID', `the body has more than ${MAX_RECORDS} records`);
    return { items: records.map(read), counts: {} };
  },
};

function read(value: unknown): ReadRecord {
  try {
    return { record: readReport(value) };
  } catch (error) {
    return { error: error instanceof VconOtelError ? error.message : errorType(error) };
  }
}
