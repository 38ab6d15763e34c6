/** A tracer that does nothing but count, in a service that a benchmark started and that it can ask. */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ChainEvent } from '../src/index.ts';

/** What all tracers of the process have heard, and how the process is doing. Times are milliseconds. */
export interface Heard {
  readonly calls: number;
  /** Since the question before: from when a fact was made until `run` was called for what it tells. */
  readonly latencies: readonly number[];
  readonly rss: number;
  /** Since the question before: the longest, and nearly the longest, that the event loop was late. */
  readonly loop: { readonly p99: number; readonly max: number };
  /** Processor time of all threads so far, microseconds. */
  readonly cpu: number;
  /** How long the main thread so far could have worked, but others had the core; 0 where the system does not tell. */
  readonly held: number;
}

let calls = 0;
let latencies: number[] = [];
const loop = monitorEventLoopDelay({ resolution: 5 });
loop.enable();

export function trace(): void {
  calls += 1;
}

export function run(
  _in: string,
  _out: string,
  _name: string,
  links: readonly string[],
  index: number,
  _options: unknown,
  { time }: ChainEvent,
): boolean {
  calls += 1;
  // The end of a chain is told with the fact after it.
  if (index < links.length) latencies.push(performance.timeOrigin + performance.now() - time);
  return true;
}

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const heard: Heard = {
    calls,
    latencies,
    rss: process.memoryUsage.rss(),
    loop: { p99: loop.percentile(99) / 1e6, max: loop.max / 1e6 },
    cpu: user + system,
    held: heldUp(),
  };
  latencies = [];
  loop.reset();
  process.send?.(heard);
});
/** See sched-stats in the documentation of Linux. */
function heldUp(): number {
  if (process.platform !== 'linux') return 0;
  const [, waited] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return Number(waited) / 1e6;
}

// It is not to keep the service from ending.
process.channel?.unref();
