import { errorType } from '../../model/error.ts';
import { type ChainEvent, eventName } from '../../model/event.ts';
import type { ConserverTracer, Options, SpanTracer, TracerModule } from '../../model/tracer.ts';
import { runScripted } from '../../testing/run-scripted.ts';

/**
 * Lets a tracer hear one run, and shows each call with what came of it.
 * @returns how many calls failed
 */
export async function showCalls(
  module: TracerModule,
  options: Options,
  show: (line: string) => void,
): Promise<number> {
  let failed = 0;
  const shown = new Set<string>();
  const made = (line: string, outcome: string | undefined) => {
    // A failed call is made again, and again.
    if (outcome !== undefined && shown.has(line)) return;
    shown.add(line);
    if (outcome !== undefined) failed++;
    show(outcome === undefined ? line : `${line}  ✗ ${outcome}`);
  };
  await runScripted(watched(module, made), options);
  return failed;
}

type Made = (line: string, outcome: string | undefined) => void;

function watched(module: TracerModule, made: Made): TracerModule {
  if (!('create' in module)) return { ...module, ...watchedCalls(module, made) };
  return {
    ...module,
    create: (options, settings) => {
      const tracer = module.create(options, settings);
      // One that wants spans is not called.
      return isSpanTracer(tracer) ? tracer : { ...lifeOf(tracer), ...watchedCalls(tracer, made) };
    },
  };
}

function isSpanTracer(tracer: ConserverTracer | SpanTracer): tracer is SpanTracer {
  return 'onStart' in tracer;
}

function lifeOf(tracer: ConserverTracer): ConserverTracer {
  return {
    ...(tracer.forceFlush && { forceFlush: () => tracer.forceFlush?.() ?? Promise.resolve() }),
    ...(tracer.shutdown && { shutdown: () => tracer.shutdown?.() ?? Promise.resolve() }),
  };
}

function watchedCalls(tracer: ConserverTracer, made: Made): ConserverTracer {
  const { trace, run } = tracer;
  return {
    ...(trace && {
      trace: (...args: Parameters<typeof trace>) =>
        watch(() => trace.apply(tracer, args), tracedAs(args[0], args[3]), made),
    }),
    ...(run && {
      run: (...args: Parameters<typeof run>) => {
        const [inUuid, outUuid, name, links, index] = args;
        const line = `run    ${[inUuid, outUuid, name, `[${links.join(', ')}]`, index].join(' ')}`;
        return watch(() => run.apply(tracer, args), line, made);
      },
    }),
  };
}

function tracedAs(vconUuid: string, event: ChainEvent): string {
  const { chain, link, storage, outcome, duration } = event;
  const told = { chain, link, storage, outcome, duration };
  const context = Object.entries(told).flatMap(([key, value]) =>
    value === undefined ? [] : `${key}: ${value}`,
  );
  return `trace  ${vconUuid} ${eventName(event).padEnd(16)} { ${context.join(', ')} }`;
}

async function watch(call: () => unknown, line: string, made: Made): Promise<unknown> {
  try {
    const answer = await call();
    made(line, answer === false ? 'answered false' : undefined);
    return answer;
  } catch (error) {
    made(line, `failed with ${errorType(error)}`);
    throw error;
  }
}
