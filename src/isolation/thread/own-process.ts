import { syncBuiltinESMExports } from 'node:module';

/**
 * A signal from this thread to the process that everybody is in is an error, as `process.abort` and `process.chdir` are in a thread. Programs that the
 * tracer starts, and threads of its own, are not kept from it.
 */
export function spareProcess(): void {
  const { kill } = process;
  process.kill = (pid, signal) => {
    if (signal !== 0 && reachesProcess(pid)) throw unsupported();
    return kill.call(process, pid, signal);
  };
  // For whoever imports it by name.
  syncBuiltinESMExports();
}

/** Itself, its group, or everything. */
function reachesProcess(pid: number): boolean {
  return [process.pid, -process.pid, 0, -1].includes(Number(pid));
}

/** As Node.js says it of what a thread cannot do. */
function unsupported(): Error {
  const error = new TypeError('process.kill() of the own process is not supported in the thread of a tracer');
  return Object.assign(error, { code: 'ERR_WORKER_UNSUPPORTED_OPERATION' });
}
