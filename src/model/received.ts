import type { ReportedFact, SpanFact } from './fact.ts';

/** Forms in which facts come. Journals have them by their number in this list: one more goes to its end. */
export const FORMS = [
  /** An ExportTraceServiceRequest. */
  'otlp_protobuf',
  'otlp_json',
  /** JSON of a record, or of a list of them. */
  'records',
  /** JSON of a list of records, each from an entry of a stream. */
  'entries',
] as const;

/** How bytes are packed; as {@link FORMS}. */
export const PACKINGS = ['none', 'gzip', 'deflate', 'zstd'] as const;

/** What a receiver accepted, as it came: this is what a journal keeps. */
export interface Received {
  readonly form: (typeof FORMS)[number];
  readonly packing: (typeof PACKINGS)[number];
  readonly bytes: Uint8Array;
  /** When it came, milliseconds since the Unix epoch; absent: as it is handed on. */
  readonly at?: number;
  /** Who sent it: the name that the configuration gives to the token it came with. Never the token. */
  readonly sender?: string | undefined;
}

/** The facts that were read in what came, in their order: spans first. */
export interface Facts {
  readonly spans: readonly SpanFact[];
  readonly records: readonly ReportedFact[];
}

/** Facts, each with who sent it. */
export function sentBy({ sender }: Pick<Received, 'sender'>, facts: Facts): Facts {
  if (sender === undefined) return facts;
  return {
    spans: facts.spans.map((span) => ({ ...span, sender })),
    records: facts.records.map((record) => ({ ...record, sender })),
  };
}

/**
 * Reads what came: again, and with the same result as when it came.
 * @throws Error where it cannot be read
 */
export type ReadReceived = (received: Received) => Promise<Facts>;
