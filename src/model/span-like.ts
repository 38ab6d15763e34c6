import { type SpanContext, SpanStatusCode } from '@opentelemetry/api';
import { ATTR, CONSERVER_ATTR } from './semconv.ts';

/**
 * The few fields of a span that carry its meaning. A live SDK span is one; code that reads spans from a wire or a file makes
 * one.
 */
export interface SpanLike {
  readonly name: string;
  /** At least those of {@link READ_ATTRIBUTES}. `null`: the attribute exists, but its value has a type that is not read. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** OpenTelemetry's codes: 1 is OK, 2 is ERROR. One that cannot be read is NaN. */
  readonly status: { readonly code: number };
  /** At least the first exception, if there is one. */
  readonly events: readonly {
    readonly name: string;
    readonly attributes?: Readonly<Record<string, unknown>>;
  }[];
  readonly links: readonly { readonly context: SpanContext }[];
  /** The instrumentation scope that recorded it, if it was recorded in another process; absent on spans of this process. */
  readonly scope?: string;
}

/** The attributes that facts are read from; a maker of a {@link SpanLike} may leave out all others. */
export const READ_ATTRIBUTES: ReadonlySet<string> = new Set([
  CONSERVER_ATTR.vconId,
  CONSERVER_ATTR.chainName,
  CONSERVER_ATTR.linkIndex,
  ATTR.errorType,
  ATTR.chainLinks,
  ATTR.chainOutcome,
  ATTR.linkOutcome,
  ATTR.storageOutcome,
  ATTR.vconOutUuid,
  ATTR.inferred,
  ATTR.vconSha256,
]);

/** The event that describes an error, and the fields of it that are read. Its message may hold personal data. */
export const EXCEPTION = { event: 'exception', type: 'exception.type' } as const;

/**
 * The status of a span in JSON: OTLP asks for the number of its code, writers also use its name, in full or short, in any
 * case. Where it is absent it is UNSET.
 * @returns NaN where it cannot be read
 */
export function statusInJson(status: unknown): SpanLike['status'] {
  const isMessage = typeof status === 'object' && !Array.isArray(status);
  // Null is absent, too.
  const code = isMessage && status && 'code' in status ? (status.code ?? undefined) : undefined;
  if (status === undefined || (isMessage && code === undefined)) return { code: SpanStatusCode.UNSET };
  const isWritten = typeof code === 'string' || typeof code === 'number';
  const name = isWritten
    ? String(code)
        .toUpperCase()
        .replace(/^STATUS_CODE_/, '')
    : '';
  return { code: STATUS_CODES.get(name) ?? Number.NaN };
}

/** By name, and by number. */
const STATUS_CODES: ReadonlyMap<string, SpanStatusCode> = new Map(
  (['UNSET', 'OK', 'ERROR'] as const).flatMap((name) => [
    [name, SpanStatusCode[name]],
    [String(SpanStatusCode[name]), SpanStatusCode[name]],
  ]),
);

/** Whether a span's status is one. */
export function isStatus({ code }: SpanLike['status']): boolean {
  return SpanStatusCode[code] !== undefined;
}
