import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { shownUrl } from '../../model/shown-url.ts';
import { OutgoingError, statusFailure } from '../../outgoing/failure.ts';
import { httpClient } from '../../outgoing/http-client.ts';

/** A place that has the files of a ledger (C2SP tlog-tiles). */
export interface WatchedPlace {
  /** How it is called; it holds no secret. */
  readonly name: string;
  /** Where it is on this machine, if it is. */
  readonly directory?: string;
  /**
   * A file; undefined where there is none. One of more than so many bytes is none of its kind, and is taken for an empty one.
   * @throws OutgoingError, or the system's error, where that cannot be found out
   */
  read(path: string, longest: number): Promise<Buffer | undefined>;
  /** Ends what is under way. Safe twice. */
  close(): Promise<void>;
}

/** A directory of this machine. */
export function placeInDirectory(directory: string): WatchedPlace {
  return {
    name: resolve(directory),
    directory,
    async read(path, longest) {
      // A disk that is not mounted is no ledger without files.
      statSync(directory);
      const file = join(directory, path);
      if (!existsSync(file)) return undefined;
      return statSync(file).size > longest ? Buffer.alloc(0) : readFileSync(file);
    },
    async close() {},
  };
}

/**
 * A place that serves the files.
 * @param url of the folder
 * @param allowPrivateHosts hosts that may have private addresses
 * @param timeout milliseconds of one request
 * @param token what the server asks for (RFC 6750)
 */
export function placeAtUrl(
  url: URL,
  allowPrivateHosts: readonly string[],
  timeout: number = TIMEOUT,
  token?: string,
): WatchedPlace {
  const http = httpClient({ timeout, maxResponse: MAX_BUNDLE, allowPrivateHosts });
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const base = url.href.replace(/\/*$/, '');
  return {
    name: shownUrl(base),
    async read(path, longest) {
      try {
        const answer = await http.get(new URL(`${base}/${path}`), headers);
        if (answer.status === 404 || answer.status === 410) return undefined;
        const failure = statusFailure(answer);
        if (failure) throw failure;
        return answer.bytes.length > longest ? Buffer.alloc(0) : answer.bytes;
      } catch (error) {
        if (error instanceof OutgoingError && error.code === 'ANSWER_TOO_LARGE') return Buffer.alloc(0);
        throw error;
      }
    },
    close: () => http.close(),
  };
}

/** A place that answers nothing more after so many milliseconds: a slow one must not hold up the others. */
export function answeringFor(place: WatchedPlace, milliseconds: number): WatchedPlace {
  const end = performance.now() + milliseconds;
  return {
    ...place,
    async read(path, longest) {
      if (performance.now() <= end) return place.read(path, longest);
      throw new OutgoingError('TIMEOUT', 'the place answers too slowly');
    },
  };
}

const TIMEOUT = 10_000;
/** Bytes of the longest file that is read, an entry bundle: 256 entries, each of 65,535 bytes and its length. */
export const MAX_BUNDLE = 256 * (2 + 65_535);
