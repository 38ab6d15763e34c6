import type { Encoding } from './decode.ts';
import { ExportTraceServiceResponse, Status } from './generated/answer.js';

/** The RPC codes used in answers (google.rpc.Code). */
export const RPC_CODE = {
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** An answer's body and its content type. */
export interface EncodedAnswer {
  readonly contentType: string;
  readonly body: Buffer;
}

/**
 * The answer to an OTLP request that was accepted (ExportTraceServiceResponse; those for metrics and logs look the same if
 * nothing was rejected).
 */
export function accepted(encoding: Encoding, rejectedSpans = 0): EncodedAnswer {
  if (rejectedSpans === 0) return encoding === 'json' ? json({}) : protobuf(new Uint8Array());
  const errorMessage =
    'spans of the conserver without ids, times, a name or a readable status, or too large to read';
  return encoding === 'json'
    ? json({ partialSuccess: { rejectedSpans: String(rejectedSpans), errorMessage } })
    : protobuf(
        ExportTraceServiceResponse.encode({ partialSuccess: { rejectedSpans, errorMessage } }).finish(),
      );
}

/** The answer to a request that was refused (google.rpc.Status). */
export function status(encoding: Encoding, code: number, message: string): EncodedAnswer {
  return encoding === 'json' ? json({ code, message }) : protobuf(Status.encode({ code, message }).finish());
}

function json(value: object): EncodedAnswer {
  return { contentType: 'application/json', body: Buffer.from(JSON.stringify(value)) };
}

function protobuf(bytes: Uint8Array): EncodedAnswer {
  return { contentType: 'application/x-protobuf', body: Buffer.from(bytes) };
}
