import { type Clock, systemClock } from './clock.ts';
import { VconOtelError } from './error.ts';

/**
 * Waits for a promise, but not forever.
 * @param milliseconds how long to wait; `Infinity` waits forever after all
 * @param what named in the error, e.g. `link transcribe`
 * @throws VconOtelError `TIMEOUT` when the time is up; the promise goes on, but its outcome is ignored
 */
export function withDeadline<T>(
  promise: PromiseLike<T>,
  milliseconds: number,
  what: string,
  clock: Pick<Clock, 'after'> = systemClock,
): Promise<T> {
  // Somebody else's thenable may throw, or lead to another one that never settles.
  const flat = Promise.resolve(promise);
  if (milliseconds === Number.POSITIVE_INFINITY) return flat;
  return new Promise<T>((resolve, reject) => {
    const callOff = clock.after(milliseconds, () =>
      reject(new VconOtelError('TIMEOUT', `${what} took longer than ${milliseconds} ms`)),
    );
    flat.then(
      (value) => {
        callOff();
        resolve(value);
      },
      (error: unknown) => {
        callOff();
        reject(error);
      },
    );
  });
}
