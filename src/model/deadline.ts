import { VconOtelError } from './error.ts';

/**
 * Waits for a promise, but not for ever.
 * @param milliseconds how long to wait
 * @param what named in the error, e.g. `link transcribe`
 * @throws VconOtelError `TIMEOUT` when the time is up; the promise goes on, its outcome is no longer looked at
 */
export function withDeadline<T>(promise: PromiseLike<T>, milliseconds: number, what: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new VconOtelError('TIMEOUT', `${what} took longer than ${milliseconds} ms`)),
      milliseconds,
    );
    promise.then(
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
