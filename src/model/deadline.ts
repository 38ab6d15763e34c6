import { VconOtelError } from './error.ts';

/** The longest a Node timer can wait; a longer one would fire at once. */
const MAX_TIMER = 2_147_483_647;

/**
 * Waits for a promise, but not for ever.
 * @param milliseconds how long to wait; `Infinity` waits for ever after all
 * @param what named in the error, e.g. `link transcribe`
 * @throws VconOtelError `TIMEOUT` when the time is up; the promise goes on, its outcome is no longer looked at
 */
export function withDeadline<T>(promise: PromiseLike<T>, milliseconds: number, what: string): Promise<T> {
  // A thenable of somebody else's may throw, or lead to another one that never settles.
  const flat = Promise.resolve(promise);
  if (milliseconds === Number.POSITIVE_INFINITY) return flat;
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new VconOtelError('TIMEOUT', `${what} took longer than ${milliseconds} ms`)),
      Math.min(milliseconds, MAX_TIMER),
    );
    flat.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
