import { setTimeout as wait } from 'node:timers/promises';
import { type LivePlace, TOKEN_VARIABLE } from '../../config/live-place.ts';
import { VconOtelError } from '../../model/error.ts';
import { openEventStream, type ServerSentEvent } from '../../outgoing/event-stream.ts';
import { OutgoingError } from '../../outgoing/failure.ts';
import type { Away, FeedNews, FollowedNews, LiveSource } from './source.ts';

/** Milliseconds between two attempts. */
const PAUSE = 1_000;

/** News from the admin server of a service. */
export function serviceSource(place: Extract<LivePlace, { is: 'service' }>): LiveSource {
  // The url may have a path of its own, where a proxy stands before the service.
  const base = new URL(place.url);
  base.pathname = base.pathname.replace(/\/?$/, '/');
  return {
    name: place.url.origin,
    async *feed(signal) {
      for await (const message of messages(new URL('api/feed', base), place.token, signal))
        yield newsOf(message);
    },
    async *follow(uuid, signal) {
      const url = new URL(`api/follow?uuid=${encodeURIComponent(uuid)}`, base);
      for await (const message of messages(url, place.token, signal)) yield vconNewsOf(message);
    },
    close: async () => undefined,
  };
}

function newsOf(message: ServerSentEvent | Away): FeedNews {
  if ('is' in message) return message;
  // What the service of this package sends.
  return { is: message.event === 'snapshot' ? 'snapshot' : 'change', data: JSON.parse(message.data) };
}

function vconNewsOf(message: ServerSentEvent | Away): FollowedNews {
  return 'is' in message ? message : { is: 'runs', data: JSON.parse(message.data) };
}

/** Messages, again and again. */
async function* messages(
  url: URL,
  token: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent | Away, void> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  while (!signal.aborted) {
    let why = 'the service has ended the connection';
    try {
      const { status, events } = await openEventStream(url, headers, signal);
      if (status === 200) yield* events;
      else why = refused(status, url);
    } catch (error) {
      if (!(error instanceof OutgoingError)) throw error;
      why = error.message;
    }
    if (signal.aborted) return;
    yield { is: 'away', why };
    await wait(PAUSE, undefined, { signal }).catch(() => undefined);
  }
}

/** @throws VconOtelError where it would be refused again */
function refused(status: number, { origin }: URL): string {
  const fault = (message: string) => new VconOtelError('OPTIONS_INVALID', message);
  if (status === 401 || status === 403)
    throw fault(
      `${origin} asks for a token, and this is none or not the right one: set ${TOKEN_VARIABLE}, or name the configuration with --config`,
    );
  if (status === 404)
    throw fault(
      `${origin} has no page: the configuration of the service needs "admin: {}" (without it there is health alone), and not "page: false"`,
    );
  if (status >= 400 && status < 500 && status !== 408 && status !== 429)
    throw fault(`${origin} answered ${status}: is a vcon-otel of this version there?`);
  return status === 503 ? 'too many look at the service already' : `the service answered ${status}`;
}
