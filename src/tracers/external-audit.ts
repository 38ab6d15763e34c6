import { z } from 'zod';
import { withDeadline } from '../model/deadline.ts';
import { delay } from '../model/options/duration.ts';
import { headerText } from '../model/options/values.ts';
import { type ConserverTracer, defineTracer, type EventContext } from '../model/tracer.ts';
import { OutgoingError, statusFailure } from '../outgoing/failure.ts';
import { isHost } from '../outgoing/host.ts';
import { type HttpClient, httpClient } from '../outgoing/http-client.ts';
import { reach } from '../outgoing/reach.ts';
import { Refusals } from '../outgoing/refusals.ts';
import { Batches } from '../persistence/batches.ts';
import { auditMessage, batchMessage, type Message } from './external-audit/message.ts';
import { signature } from './external-audit/signature.ts';

const options = z.strictObject({
  api_url: z
    .string()
    .refine(isPlainUrl, { params: { expected: 'an http:// or https:// URL without a password' } })
    .meta({ examples: ['https://audit.example.com/events'] }),
  // An empty one is none.
  api_key: headerText().default(''),
  system_id: z.string().min(1).default('vcon-server'),
  timeout: delay().prefault('5s'),
  // As long as a guess at it is hopeless.
  signing_key: z.string().min(16).optional(),
  batch_size: z.int().min(1).max(1_000).default(1),
  allow_private_hosts: z
    .array(z.string().refine(isHost, { params: { expected: 'a host without a port' } }))
    .default([]),
});

/**
 * The conserver's documented external audit: every event is sent to a service over HTTP. A call is answered when the service
 * has answered with a 2xx.
 */
export default defineTracer({
  options,
  audit: true,
  create: (given) => new ExternalAudit(given),
  probe: async ({ api_url, api_key, allow_private_hosts }, { timeout }) => [
    await reach(new URL(api_url), {
      headers: authorization(api_key),
      allowPrivateHosts: allow_private_hosts,
      timeout,
    }),
  ],
  erasure: {
    mentions: async () => [
      {
        what: 'events that were sent',
        count: undefined,
        stays: 'the audit service has them: erase them there',
      },
    ],
    erase: async () => {},
  },
});

/** Events that may wait for a batch. */
const MAX_WAITING = 10_000;

/**
 * What a service also answers while it is set up or its keys are changed, and 409 while the first request of an
 * `Idempotency-Key` is still being processed (draft-ietf-httpapi-idempotency-key-header): permanent at the third time.
 */
const MAY_PASS: ReadonlySet<string> = new Set(['HTTP_401', 'HTTP_403', 'HTTP_404', 'HTTP_409']);

/** Milliseconds for what waits at the end, and for what is under way: a service that does not answer must not hold the process. */
const PATIENCE = 3_000;

class ExternalAudit implements ConserverTracer {
  readonly #options: z.output<typeof options>;
  readonly #url: URL;
  readonly #http: HttpClient;
  readonly #refusals = new Refusals();
  readonly #batches: Batches<EventContext> | undefined;
  /** Calls under way that no batch accounts for. */
  readonly #sending = new Set<Promise<void>>();

  constructor(given: z.output<typeof options>) {
    this.#options = given;
    this.#url = new URL(given.api_url);
    this.#http = httpClient({ allowPrivateHosts: given.allow_private_hosts, timeout: given.timeout });
    if (given.batch_size > 1)
      this.#batches = new Batches({
        write: (events) => this.#post(batchMessage(events, given.system_id)),
        maxBatch: given.batch_size,
        maxWaiting: MAX_WAITING,
        divides: isOfOneEvent,
      });
  }

  async trace(...[, , , event]: Parameters<NonNullable<ConserverTracer['trace']>>): Promise<void> {
    try {
      await (this.#batches ? this.#batches.add(event) : this.#alone(event));
      this.#refusals.forget(event.eventId);
    } catch (error) {
      throw this.#judged(event.eventId, error);
    }
  }

  /** What to throw for a failed event: the error itself, or one like it that may pass. */
  #judged(eventId: string, error: unknown): unknown {
    const mayPass = error instanceof OutgoingError && MAY_PASS.has(error.code);
    if (mayPass && !this.#refusals.isLast(eventId, ''))
      return new OutgoingError(error.code, error.message, { cause: error });
    return error;
  }

  async forceFlush(): Promise<void> {
    await this.#batches?.flush();
    await Promise.allSettled(this.#sending);
  }

  async shutdown(): Promise<void> {
    await this.#batches?.close(PATIENCE);
    // What is under way then is ended below.
    await withDeadline(this.forceFlush(), PATIENCE, 'sending what is left').catch(() => undefined);
    await this.#http.close();
  }

  async #alone(event: EventContext): Promise<void> {
    const sent = this.#post(auditMessage(event, this.#options.system_id));
    this.#sending.add(sent);
    try {
      await sent;
    } finally {
      this.#sending.delete(sent);
    }
  }

  async #post({ body, headers }: Message): Promise<void> {
    const { api_key, signing_key } = this.#options;
    const answer = await this.#http.post(this.#url, body, {
      'content-type': 'application/json',
      ...authorization(api_key),
      ...headers,
      ...(signing_key === undefined
        ? {}
        : { 'vcon-signature': signature(signing_key, headers['idempotency-key'], body, Date.now() / 1e3) }),
    });
    const failure = statusFailure(answer);
    if (failure) throw failure;
  }
}

function authorization(key: string): Readonly<Record<string, string>> {
  return key === '' ? {} : { authorization: `Bearer ${key}` };
}

/** What a service answers where it does not like what is sent, which may be one event among others. */
function isOfOneEvent(error: unknown): boolean {
  return error instanceof OutgoingError && ['HTTP_400', 'HTTP_413', 'HTTP_422'].includes(error.code);
}

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
