import { withDeadline } from '../../model/deadline.ts';
import { VconOtelError } from '../../model/error.ts';
import type { Intake } from '../intake.ts';
import { accepted } from '../otlp/answers.ts';
import { decodeTraces, type Encoding } from '../otlp/decode.ts';
import type { DecodedTraces } from '../otlp/receive.ts';
import { Turns } from '../otlp/turns.ts';
import { drain, readBody } from './body.ts';
import { answer, encodingOf, FULL, LOST, type Refusal, refuse, WRONG_TYPE } from './refusal.ts';
import type { Route, RouteSettings } from './routes.ts';

/**
 * Takes spans (OTLP specification, OTLP/HTTP): 200 when those of the conserver survive a crash, with a partial success where
 * some of them cannot be used.
 */
export function tracesRoute(settings: RouteSettings): Route {
  const { intake, tally, budget, maxBody } = settings;
  return async (request, reply) => {
    const encoding = encodingOf(request);
    if (!encoding) return refuse(request, reply, WRONG_TYPE);
    if (intake.full) return refuse(request, reply, FULL);
    const body = await readBody(request.raw, maxBody, budget);
    if ('refusal' in body) return refuse(request, reply, body.refusal);
    try {
      const decoded = await decode(body.bytes, encoding, settings);
      if ('status' in decoded) return refuse(request, reply, decoded);
      // It took a while.
      if (intake.full) return refuse(request, reply, FULL);
      await handIn(decoded, intake);
      if (!(await isKept(intake))) return refuse(request, reply, LOST);
      tally.add('spans', 'accepted', decoded.spans.length);
      tally.add('spans', 'ignored', decoded.ignored);
      tally.add('spans', 'rejected', decoded.rejected);
      return answer(reply, 200, accepted(encoding, decoded.rejected));
    } finally {
      body.release();
    }
  };
}

/** Takes a signal that nothing is made of, so that one endpoint can be configured for all of them. */
export function otherSignalRoute(signal: 'metrics' | 'logs', { tally }: RouteSettings): Route {
  return async (request, reply) => {
    await drain(request.raw);
    tally.add('other', signal);
    return answer(reply, 200, accepted(encodingOf(request) ?? 'json'));
  };
}

/** Milliseconds that a disk has to keep what was handed in; whoever sent it is told to come back rather than left waiting. */
const KEPT_IN = 10_000;

/** Whether everything that was handed in survives a crash. */
export async function isKept(intake: Intake): Promise<boolean> {
  try {
    await withDeadline(intake.durable(), KEPT_IN, 'keeping what was received');
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

/** Spans that are handed in at once. */
const SOME = 256;

async function handIn({ spans }: DecodedTraces, intake: Intake): Promise<void> {
  const turns = new Turns();
  for (let at = 0; at < spans.length; at += SOME) {
    if (at > 0) await turns.take();
    intake.spans(spans.slice(at, at + SOME));
  }
}
