import protobuf from 'protobufjs/minimal.js';
import type { Encoding } from './decode.ts';
import { bytesField, varintField } from './wire-reader.ts';

/** The RPC codes used in answers (google.rpc.Code). */
export const RPC_CODE = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Seconds after which a sender that was told to come back may. */
export const RETRY_AFTER = 5;

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
  if (encoding === 'protobuf') return inProtobuf(exportResponse(rejectedSpans));
  return json(
    rejectedSpans === 0 ? {} : { partialSuccess: { rejectedSpans: String(rejectedSpans), errorMessage } },
  );
}

/** An ExportTraceServiceResponse. */
export function exportResponse(rejectedSpans: number): Buffer {
  const writer = protobuf.Writer.create();
  if (rejectedSpans > 0)
    writer
      .uint32(bytesField(1))
      .fork()
      .uint32(varintField(1))
      .int64(rejectedSpans)
      .uint32(bytesField(2))
      .string(errorMessage)
      .ldelim();
  return Buffer.from(writer.finish());
}

/** The answer to a request that was refused (google.rpc.Status). */
export function status(encoding: Encoding, code: number, message: string): EncodedAnswer {
  return encoding === 'json' ? json({ code, message }) : inProtobuf(rpcStatus(code, message));
}

/**
 * A google.rpc.Status.
 * @param retryAfter seconds after which the sender may come back: with a RetryInfo that says so
 */
export function rpcStatus(code: number, message: string, retryAfter?: number): Buffer {
  const writer = protobuf.Writer.create().uint32(varintField(1)).int32(code);
  writer.uint32(bytesField(2)).string(message);
  if (retryAfter !== undefined) {
    const any = writer.uint32(bytesField(3)).fork();
    any.uint32(bytesField(1)).string('type.googleapis.com/google.rpc.RetryInfo');
    const duration = any.uint32(bytesField(2)).fork().uint32(bytesField(1)).fork();
    duration.uint32(varintField(1)).int64(retryAfter).ldelim().ldelim().ldelim();
  }
  return Buffer.from(writer.finish());
}

const errorMessage =
  'spans of the conserver without ids, times, a name or a readable status, or too large to read';

function json(value: object): EncodedAnswer {
  return { contentType: 'application/json', body: Buffer.from(JSON.stringify(value)) };
}

function inProtobuf(body: Buffer): EncodedAnswer {
  return { contentType: 'application/x-protobuf', body };
}
