import { isUtf8 } from 'node:buffer';
import { accepted } from '../otlp/answers.ts';
import { takeTraces } from '../otlp/take-traces.ts';
import { drain, readBody } from './body.ts';
import { answer, encodingOf, FULL, LOST, NOT_UTF8, refuse, WRONG_TYPE } from './refusal.ts';
import type { Route, RouteSettings } from './routes.ts';

/**
 * Accepts spans (OTLP specification, OTLP/HTTP): 200 when those of the conserver survive a crash, with a partial success if
 * some of them cannot be used.
 */
export function tracesRoute(settings: RouteSettings): Route {
  return async (request, reply) => {
    const encoding = encodingOf(request);
    if (!encoding) return refuse(request, reply, WRONG_TYPE);
    if (settings.sink.full) return refuse(request, reply, FULL);
    const body = await readBody(request.raw, settings);
    if ('refusal' in body) return refuse(request, reply, body.refusal);
    try {
      if (encoding === 'json' && !isUtf8(body.bytes)) return refuse(request, reply, NOT_UTF8);
      const taken = await takeTraces({ ...body, encoding, sender: request.sender }, settings);
      switch (taken.kind) {
        case 'taken':
          return answer(reply, 200, accepted(encoding, taken.rejected));
        case 'unreadable':
          return refuse(request, reply, { status: 400, message: taken.message });
        case 'full':
          return refuse(request, reply, FULL);
        case 'lost':
          return refuse(request, reply, LOST);
      }
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
