import { createParser } from 'eventsource-parser';
import { networkFailure, OutgoingError } from './failure.ts';

/** A message of a server (WHATWG HTML §9.2). */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** An answer that goes on, or one with a status that says why not. */
export interface EventStream {
  readonly status: number;
  /** Its messages as they come; ends when the server ends it. @throws OutgoingError when the connection breaks, or is silent for too long */
  readonly events: AsyncGenerator<ServerSentEvent, void>;
}

/** Milliseconds for an answer to begin, and for which it may be silent. */
const SILENCE = 10_000;
/** Characters of one message. */
const MAX_MESSAGE = 64 * 2 ** 20;

/**
 * Opens a stream of server-sent events. Redirects are answers, not followed.
 * @throws OutgoingError if no answer began in time; never quotes url or headers
 */
export async function openEventStream(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<EventStream> {
  const { request } = await import('undici');
  try {
    const { statusCode: status, body } = await request(url, {
      headers: { accept: 'text/event-stream', ...headers },
      ...{ signal, headersTimeout: SILENCE, bodyTimeout: SILENCE },
    });
    // Its failures are those of whoever reads it.
    body.on('error', () => undefined);
    if (status !== 200) body.destroy();
    return { status, events: read(body) };
  } catch (error) {
    throw networkFailure(error);
  }
}

async function* read(body: NodeJS.ReadableStream): AsyncGenerator<ServerSentEvent, void> {
  let came: ServerSentEvent[] = [];
  let length = 0;
  const parser = createParser({
    onEvent: ({ event = 'message', data }) => {
      came.push({ event, data });
      length = 0;
    },
  });
  body.setEncoding('utf8');
  try {
    for await (const piece of body) {
      length += piece.length;
      if (length > MAX_MESSAGE) throw new OutgoingError('ANSWER_TOO_LARGE', 'a message is too large');
      parser.feed(String(piece));
      const events = came;
      came = [];
      yield* events;
    }
  } catch (error) {
    throw networkFailure(error);
  }
}
