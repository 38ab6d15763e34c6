import { errorType, VconOtelError } from '../model/error.ts';
import type { Told } from './messages.ts';

/** What may be told of an error in another thread. */
export function tell(error: unknown): Told {
  if (!(error instanceof VconOtelError)) return { type: errorType(error) };
  const { code, message, path } = error;
  return { type: code, ours: { code, message, path } };
}

/** An error as it was told of. */
export function toldError({ type, ours }: Told): Error {
  if (ours)
    return new VconOtelError(ours.code, ours.message, ours.path === undefined ? {} : { path: ours.path });
  return namedError(type);
}

/** An error of which nothing but the type is known. */
export function namedError(type: string): Error {
  const error = new Error('it was thrown in the thread of a tracer');
  error.name = type;
  return error;
}
