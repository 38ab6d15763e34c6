import { DeliveryError } from '../../model/delivery-error.ts';
import { errorType } from '../../model/error.ts';

/** A database failure, whose `code` is the `error.type` that is logged and kept with a dead letter. */
export type SqlFailure = DeliveryError & { readonly code: string };

/**
 * What a PostgreSQL error means for a delivery. The classes of SQLSTATE are those of PostgreSQL's appendix A: what is wrong
 * with the event or the table stays wrong (0A not supported, 21 cardinality, 22 data, 23 constraint, 3F schema, 42 syntax and
 * access, 44 check option, 54 limits). Everything else may pass: the connection and the right to connect (08, 28, 3D), a rollback or
 * deadlock (40), a server that is full, starting, stopping or a standby (53, 55, 57, 25), its disk (58), and errors that are not
 * the server's at all.
 */
export function postgresFailure(cause: unknown): SqlFailure {
  const state = sqlState(cause);
  if (state === undefined) return failure(networkCode(cause), false, cause);
  return failure(`SQLSTATE_${state}`, PERMANENT.test(state) && state !== UNDEFINED_TABLE, cause);
}

/** Whether a single row may have caused an error. */
export function isOfOneRow(error: unknown): boolean {
  return /^SQLSTATE_2[23]/.test((error as Partial<SqlFailure>)?.code ?? '');
}

/** Whether the table is gone: it is then created again. */
export function isTableGone(error: SqlFailure): boolean {
  return error.code === `SQLSTATE_${UNDEFINED_TABLE}`;
}

/** A failure with a code, and whether it is permanent. */
export function failure(code: string, permanent: boolean, cause: unknown): SqlFailure {
  // The database's own message may quote what was to be written.
  const message = `the database refused or did not answer: ${code}`;
  return Object.assign(new DeliveryError(message, { permanent, cause }), { code });
}

const PERMANENT = /^(?:0A|21|22|23|3F|42|44|54)/;
const UNDEFINED_TABLE = '42P01';

function sqlState(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** `pg` has no codes for its own errors. */
function networkCode(error: unknown): string {
  const type = errorType(error);
  if (type !== 'Error') return type;
  return /timeout/i.test((error as Error).message) ? 'TIMEOUT' : 'CONNECTION_LOST';
}
