import { statusFailure } from '../../outgoing/failure.ts';
import type { HttpAnswer } from '../../outgoing/http-answer.ts';
import { type HttpClient, httpClient } from '../../outgoing/http-client.ts';
import type { JlincOptions } from './options.ts';
import { RefusedError } from './refused-error.ts';

/** The calls of a JLINC data store. */
export type ApiCall = 'entity/domains/get' | 'entity/get' | 'entity/create' | 'event/produce';

/** JSON over HTTP to a JLINC data store: knows its address and key, but not what the answers mean. */
export class JlincApi {
  readonly #http: HttpClient;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param timeout milliseconds for a call; by default the HTTP client's own */
  constructor(options: JlincOptions, timeout?: number) {
    this.#http = httpClient({
      allowPrivateHosts: options.allow_private_hosts,
      ...(timeout !== undefined && { timeout }),
    });
    this.#base = options.data_store_api_url.replace(/\/+$/, '');
    this.#headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${options.data_store_api_key}`,
    };
  }

  /**
   * Makes a call.
   * @param body JSON
   * @param request what the request is, among those of one event
   * @returns the parsed answer
   * @throws OutgoingError if another attempt is worthwhile; RefusedError for a status that a repeat is unlikely to change, and
   * for an answer that is not JSON
   */
  async call(call: ApiCall, body: string, request: string): Promise<unknown> {
    const answer = await this.#http.post(new URL(`${this.#base}/api/v1/data/${call}`), body, this.#headers);
    const value = parsed(answer);
    // The status, too, may say that an entity does not exist.
    if (call === 'entity/get' && answer.status === 404 && value !== undefined) return value;
    const failure = statusFailure(answer);
    if (failure?.permanent) throw new RefusedError(request, failure.code);
    if (failure) throw failure;
    if (value === undefined) throw new RefusedError(request, 'NOT_JSON');
    return value;
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}

/** Undefined if it is not JSON. */
function parsed({ text }: HttpAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
