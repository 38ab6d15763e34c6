import { z } from 'zod';
import { defineTracer, type TracerModule } from '../../src/index.ts';
import { FAILURES, fail } from './failures.ts';
import { MARK } from './marks.ts';

const kinds = Object.keys(FAILURES);
let calls = 0;

/** The next way to fail, in turn. */
function failInTurn(): never {
  calls += 1;
  fail(kinds[calls % kinds.length] ?? '');
}

/** Tracers that go wrong in every way there is, each with marks. */
export const TRACERS: Readonly<Record<string, TracerModule>> = {
  throws: { trace: failInTurn, run: failInTurn, forceFlush: failInTurn, shutdown: failInTurn },
  rejects: {
    trace: async () => failInTurn(),
    run: async () => failInTurn(),
    forceFlush: async () => failInTurn(),
    shutdown: async () => failInTurn(),
  },
  refuses: { run: () => false },
  answers: { trace: () => MARK, run: async () => ({ [MARK]: MARK }) },
  processor: {
    create: () => ({
      onStart: failInTurn,
      onEnding: failInTurn,
      onEnd: failInTurn,
      forceFlush: failInTurn,
      shutdown: failInTurn,
    }),
  },
  keyed: defineTracer({
    options: z.strictObject({ api_key: z.string(), note: z.string() }),
    create: ({ api_key, note }) => ({
      trace() {
        throw Object.assign(new Error(`${api_key} ${note}`), { code: api_key });
      },
    }),
  }),
};
