import { withDeadline } from '../../model/deadline.ts';
import { VconOtelError } from '../../model/error.ts';
import type { FactSink } from '../../model/fact-sink.ts';
import { accepted } from '../otlp/answers.ts';
import { decodeTraces, type Encoding } from '../otlp/decode.ts';
import type { DecodedTraces } from '../otlp/receive.ts';
import { drain, readBody } from './body.ts';
import { answer, encodingOf, FULL, LOST, type Refusal, refuse, WRONG_TYPE } from './refusal.ts';
import type { Route, RouteSettings } from './routes.ts';

/**
 * Accepts spans (OTLP specification, OTLP/HTTP): 200 when those of the conserver survive a crash, with a partial success if
 * some of them cannot be used.
 */
export function tracesRoute(settings: RouteSettings): Route {
  const { sink, counts, budget, maxBody } = settings;
  return async (request, reply) => {
    const encoding = encodingOf(request);
    if (!encoding) return refuse(request, reply, WRONG_TYPE);
    if (sink.full) return refuse(request, reply, FULL);
    const body = await readBody(request.raw, maxBody, budget);
    if ('refusal' in body) return refuse(request, reply, body.refusal);
    try {
      const decoded = await decode(body.bytes, encoding, settings);
      if ('status' in decoded) return refuse(request, reply, decoded);
      // It took a while.
      if (sink.full) return refuse(request, reply, FULL);
      const { packed, packing, at } = body;
      await sink.take(
        { form: `otlp_${encoding}`, packing, bytes: packed, at, sender: request.sender },
        { spans: decoded.spans, records: [] },
      );
      if (!(await isKept(sink))) return refuse(request, reply, LOST);
      counts.add('spans', 'accepted', decoded.spans.length);
      counts.add('spans', 'ignored', decoded.ignored);
      counts.add('spans', 'rejected', decoded.rejected);
      return answer(reply, 200, accepted(encoding, decoded.rejected));
    } finally {
      body.release();
    }
  };
}

/** Accepts a signal that is not used, so that one endpoint can be configured for all signals. */
export function otherSignalRoute(signal: 'metrics' | 'logs', { counts }: RouteSettings): Route {
  return async (request, reply) => {
    await drain(request.raw);
    counts.add('other', signal);
    return answer(reply, 200, accepted(encodingOf(request) ?? 'json'));
  };
}

/** How many milliseconds the disk may take; after that, the sender is told to come back rather than left waiting. */
const KEPT_IN = 10_000;

/** Whether everything accepted survives a crash. */
export async function isKept(sink: FactSink): Promise<boolean> {
  try {
    await withDeadline(sink.durable(), KEPT_IN, 'keeping what was received');
    return true;
  } catch {
    return false;
  }
}

async function decode(
  body: Buffer,
  encoding: Encoding,
  { jsonReader }: RouteSettings,
): Promise<DecodedTraces | Refusal> {
  try {
    return await decodeTraces(body, encoding, jsonReader);
  } catch (error) {
    if (error instanceof VconOtelError) return { status: 400, message: error.message };
    throw error;
  }
}
