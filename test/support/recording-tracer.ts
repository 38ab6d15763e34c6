import type { EventName } from '../../src/model/event.ts';
import type { ConserverTracer, EventContext, Options } from '../../src/model/tracer.ts';

/** One call that a tracer was made. */
export type Call =
  | { call: 'trace'; vconUuid: string; event: EventName; opts: Options; context: EventContext }
  | {
      call: 'run';
      in: string;
      out: string;
      tracer: string;
      links: readonly string[];
      index: number;
      opts: Options;
      context: EventContext;
    };

/** A tracer that remembers its calls; `answer` may make it slow, wrong or silent. */
export function recordingTracer(answer: (call: Call) => unknown = () => true) {
  const calls: Call[] = [];
  const tracer: ConserverTracer = {
    trace(vconUuid, event, opts, context) {
      const call: Call = { call: 'trace', vconUuid, event, opts, context };
      calls.push(call);
      return answer(call);
    },
    run(inVconUuid, outVconUuid, name, links, index, opts, context) {
      const call: Call = {
        call: 'run',
        in: inVconUuid,
        out: outVconUuid,
        tracer: name,
        links,
        index,
        opts,
        context,
      };
      calls.push(call);
      return answer(call);
    },
  };
  return { calls, tracer };
}

/** A call in short: `link_complete V a`, `run 0 V→V`. */
export function inShort(call: Call): string {
  if (call.call === 'run') return `run ${call.index} ${call.in}→${call.out}`;
  const { link, storage } = call.context;
  return [call.event, call.vconUuid, link ?? storage].filter((part) => part !== undefined).join(' ');
}

/** The calls of each run, in short, in the order in which the runs were first heard. */
export function perRun(calls: readonly Call[]): string[][] {
  const runs = new Map<string, string[]>();
  for (const call of calls) {
    const { runId } = call.context;
    const run = runs.get(runId) ?? [];
    run.push(inShort(call));
    runs.set(runId, run);
  }
  return [...runs.values()];
}
