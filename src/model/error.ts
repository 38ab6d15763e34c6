/** Every way in which vcon-otel refuses, as a closed set. */
export type ErrorCode =
  | 'CONFIG_UNREADABLE'
  | 'CONFIG_INVALID'
  | 'MODULE_NOT_FOUND'
  | 'MODULE_INVALID'
  | 'OPTIONS_INVALID'
  | 'ADDRESS_UNAVAILABLE'
  | 'ALREADY_STARTED'
  | 'FILE_UNUSABLE'
  | 'JOURNAL_IN_USE'
  | 'LEDGER_IN_USE'
  | 'LEDGER_DAMAGED'
  | 'LEDGER_ROLLED_BACK'
  | 'KEY_INVALID'
  | 'EVENTS_LOST'
  | 'RECORD_INVALID'
  | 'BODY_INVALID'
  | 'VCON_INVALID'
  | 'VCON_TOO_LARGE'
  | 'STORE_UNAVAILABLE'
  | 'STREAM_IN_USE'
  | 'CHAIN_CLOSED'
  | 'LINK_UNKNOWN'
  | 'LINK_RESULT_INVALID'
  | 'TIMEOUT'
  | 'TRACER_FAILED'
  | 'COMPONENT_FAILED';

/**
 * The only error type this package throws on purpose. `code` says what went wrong, `path` names the
 * offending configuration key where there is one, `cause` keeps the original error. Messages are
 * written for a person and never hold vCon content, option values or secrets.
 */
export class VconOtelError extends Error {
  readonly code: ErrorCode;
  readonly path: string | undefined;

  constructor(code: ErrorCode, message: string, details: { path?: string; cause?: unknown } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = 'VconOtelError';
    this.code = code;
    this.path = details.path;
  }
}

const PLAIN = /^[A-Za-z_$][\w$.]{0,127}$/;

/**
 * The `error.type` of anything that was thrown (OpenTelemetry semantic conventions, error attributes):
 * our own code, a system code such as `ECONNREFUSED`, the error's class name, or what `typeof` says.
 * `_OTHER` where that is not a plain identifier, so that no text of a document can get in.
 */
export function errorType(error: unknown): string {
  try {
    if (error === null) return 'null';
    if (typeof error !== 'object') return typeof error;
    const { code, name } = error as { code?: unknown; name?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)) return code;
    return plainErrorType(name);
  } catch {
    return '_OTHER';
  }
}

/** An `error.type` that somebody else gave: plain identifiers only (dots are Python's), else `_OTHER`. */
export function plainErrorType(type: unknown): string {
  return typeof type === 'string' && PLAIN.test(type) ? type : '_OTHER';
}

/** The frames of an error's stack without the message, which may hold personal data; empty where there are none. */
export function stackFrames(error: unknown): string {
  if (!(error instanceof Error)) return '';
  try {
    const stack = String(error.stack);
    const message = String(error.message);
    // The message stands at the head, and lines of it may look like frames.
    const head = stack.indexOf(message);
    return stack
      .slice(head === -1 ? 0 : head + message.length)
      .split('\n')
      .filter((line) => /^ {4}at /.test(line))
      .join('\n');
  } catch {
    return '';
  }
}
