import { endThreads } from '../model/ending.ts';

/**
 * Ends this process, within a second. Where a thread of a tracer does not end, it is killed (SIGKILL): nothing else ends it.
 * @param code by default `process.exitCode`
 */
export async function endProcess(code?: number): Promise<never> {
  if (!(await endThreads())) {
    process.stderr.write('vcon-otel: a thread of a tracer does not end: the process is killed\n');
    process.kill(process.pid, 'SIGKILL');
  }
  // Node.js takes an undefined code that it is given for 0.
  if (code !== undefined) process.exitCode = code;
  process.exit();
}
