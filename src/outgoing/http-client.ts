import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Dispatcher } from 'undici';
import type { Connections } from './connections.ts';
import { networkFailure, OutgoingError } from './failure.ts';
import type { HttpAnswer } from './http-answer.ts';

/** The limits of the client. */
export interface HttpClientSettings {
  /** Milliseconds for a whole call, from looking up the name to the last byte of the answer. Default 10,000. */
  readonly timeout?: number;
  /** Bytes of an answer, after decompression. Default 4 MiB. */
  readonly maxResponse?: number;
  /** Host names or addresses, as in a url, that may be private, loopback, link-local or metadata addresses. */
  readonly allowPrivateHosts?: readonly string[];
  /** How names become addresses. Default: the system's own lookup. */
  readonly lookup?: LookupFunction;
}

/** HTTP to one or more services. */
export interface HttpClient {
  /**
   * One `POST`. Redirects are answers, not followed.
   * @throws OutgoingError if no whole answer came in time; never quotes url, headers or body
   */
  post(url: URL, body: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  /** One `GET`, otherwise as `post`. */
  get(url: URL, headers: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  /** One `HEAD`, which changes nothing (RFC 9110 §9.2.1); otherwise as `post`. */
  head(url: URL, headers: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  /** Ends the calls under way and closes connections. Safe twice. */
  close(): Promise<void>;
}

/**
 * HTTP to services that a configuration names, and therefore careful: connections to public addresses only unless allowed,
 * no redirects, capped answers, one deadline for the whole call. Proxies set in the environment are not used. What it needs is
 * loaded by the first call.
 */
export function httpClient(settings: HttpClientSettings = {}): HttpClient {
  const { timeout = 10_000, maxResponse = 4 * 1024 * 1024, allowPrivateHosts = [] } = settings;
  let connections: Promise<Connections> | undefined;
  let isClosed = false;
  async function open(): Promise<Connections> {
    const { openConnections } = await import('./connections.ts');
    return openConnections(allowPrivateHosts, settings.lookup ?? systemLookup, timeout);
  }
  async function call(
    url: URL,
    { headers, ...what }: Pick<Dispatcher.RequestOptions, 'method' | 'body'> & { headers: object },
  ): Promise<HttpAnswer> {
    if (isClosed) throw new OutgoingError('CLOSED', 'the HTTP client is closed');
    const signal = AbortSignal.timeout(timeout);
    try {
      connections ??= open();
      const { request } = await connections;
      const answer = await request(url, {
        ...what,
        headers: { 'accept-encoding': 'gzip', ...headers },
        signal,
      });
      const answered = plainHeaders(answer.headers);
      // The answer to a HEAD has no body, whatever its header says.
      const encoding = what.method === 'HEAD' ? undefined : answered['content-encoding'];
      const bytes = await readCapped(decompressed(answer.body, encoding), maxResponse);
      return { status: answer.statusCode, headers: answered, bytes, text: bytes.toString() };
    } catch (error) {
      if (signal.aborted) throw new OutgoingError('TIMEOUT', `no whole answer within ${timeout} ms`);
      throw networkFailure(error);
    }
  }
  return {
    post: (url, body, headers) => call(url, { method: 'POST', body, headers }),
    get: (url, headers) => call(url, { method: 'GET', headers }),
    head: (url, headers) => call(url, { method: 'HEAD', headers }),
    async close() {
      isClosed = true;
      // Where they could not be loaded every call has said so, and there is nothing to close.
      await (await connections?.catch(() => undefined))?.close();
    },
  };
}

function plainHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    [value].flat().join(', '),
  ]);
  return Object.fromEntries(entries);
}

/** A body in an unknown encoding is read as it is: the result is not JSON. */
function decompressed(body: Readable, encoding: string | undefined): Readable {
  const decoder = DECODERS[encoding?.trim().toLowerCase() ?? ''];
  // Any failure surfaces in the last stream, which is the one that is read.
  return decoder ? pipeline(body, decoder(), () => undefined) : body;
}

const DECODERS: Readonly<Record<string, () => ReturnType<typeof createGunzip>>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Reads piece by piece, so that a small answer that decompresses to a large one is given up early. */
async function readCapped(body: Readable, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  // Leaving the loop ends the connection.
  for await (const piece of body as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > limit) throw new OutgoingError('ANSWER_TOO_LARGE', `the answer is larger than ${limit} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
