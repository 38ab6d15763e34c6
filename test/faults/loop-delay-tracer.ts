import { writeFileSync } from 'node:fs';
import { createHistogram, monitorEventLoopDelay, type RecordableHistogram } from 'node:perf_hooks';
import { z } from 'zod';
import { defineTracer } from '../../src/index.ts';

// A tracer that watches the event loop of the process it is in from its first call on, and writes down at its end what it saw.

/** What is in the file. Milliseconds. */
export interface LoopDelay {
  /** By which timers were late: so much longer the process had no turn, whoever had it. */
  readonly late: Figures;
  /** That the process itself worked between two turns of a timer. */
  readonly worked: Figures;
}

interface Figures {
  readonly p50: number;
  readonly p999: number;
  readonly max: number;
}

/** Milliseconds between two turns. */
const RESOLUTION = 2;

export default defineTracer({
  options: z.strictObject({ file: z.string() }),
  create({ file }) {
    const late = monitorEventLoopDelay({ resolution: RESOLUTION });
    const worked = createHistogram();
    let timer: NodeJS.Timeout | undefined;
    const watch = () => {
      if (timer) return;
      late.enable();
      timer = watchWork(worked);
    };
    return {
      trace: watch,
      run: watch,
      async shutdown() {
        clearInterval(timer);
        late.disable();
        const figures: LoopDelay = {
          late: inMilliseconds(late, RESOLUTION),
          worked: inMilliseconds(worked, 0),
        };
        writeFileSync(file, JSON.stringify(figures));
      },
    };
  },
});

function watchWork(worked: RecordableHistogram): NodeJS.Timeout {
  let last = threadTime();
  return setInterval(() => {
    const now = threadTime();
    worked.record(Math.max(1, (now - last) * 1_000));
    last = now;
  }, RESOLUTION);
}

/** Microseconds that this thread has worked. */
function threadTime(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

function inMilliseconds(
  histogram: RecordableHistogram | ReturnType<typeof monitorEventLoopDelay>,
  less: number,
) {
  const of = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - less);
  return { p50: of(histogram.percentile(50)), p999: of(histogram.percentile(99.9)), max: of(histogram.max) };
}
