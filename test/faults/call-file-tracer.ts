import { openSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { defineTracer } from '../../src/index.ts';
import { type Call, inShort } from '../support/recording-tracer.ts';

// A tracer for a `serve` that is killed: every call is in a file before it is answered.

/** A line of the file. */
export interface HeardCall {
  /** Which process heard it. */
  readonly pid: number;
  readonly call: Call['call'];
  readonly eventId: string;
  readonly runId: string;
  /** The call with its arguments, as `inShort` has it. */
  readonly short: string;
}

export default defineTracer({
  options: z.strictObject({
    file: z.string(),
    /** Milliseconds that a call takes. */
    milliseconds: z.number().default(0),
  }),
  create({ file, milliseconds }) {
    const descriptor = openSync(file, 'a');
    const hear = async (call: Call) => {
      const { eventId, runId } = call.context;
      const heard: HeardCall = { pid: process.pid, call: call.call, eventId, runId, short: inShort(call) };
      writeSync(descriptor, `${JSON.stringify(heard)}\n`);
      if (milliseconds > 0) await wait(milliseconds);
    };
    return {
      trace: (vconUuid, event, opts, context) => hear({ call: 'trace', vconUuid, event, opts, context }),
      run: (before, after, tracer, links, index, opts, context) =>
        hear({ call: 'run', in: before, out: after, tracer, links, index, opts, context }),
    };
  },
});
