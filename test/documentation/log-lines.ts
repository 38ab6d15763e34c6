import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A line of the service's log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Of four events each. */
export const CHAINS = 150;

const SOURCES = join(import.meta.dirname, '../../src/index.ts');

/** What a process writes to its log while a chain runs, with a tracer that works and one that fails. */
export function logLines(level: 'info' | 'debug'): Promise<readonly LogLine[]> {
  const lines = written.get(level) ?? run(level);
  written.set(level, lines);
  return lines;
}

const written = new Map<string, Promise<readonly LogLine[]>>();

async function run(log_level: string): Promise<readonly LogLine[]> {
  const script = `
    import { startTracing, traceChain } from ${JSON.stringify(SOURCES)};
    const failing = { trace: (uuid, event) => { if (event === 'chain_start') throw new RangeError('on purpose'); } };
    const tracing = await startTracing({
      log_level: '${log_level}',
      tracers: {
        working: { module: { trace: () => {} } },
        failing: { module: failing, delivery: { retry: { max_attempts: 1 }, circuit_breaker: { failures: 1_000 } } },
      },
    });
    for (let i = 0; i < ${CHAINS}; i += 1)
      await traceChain({ name: 'main', links: ['a'] }, 'V', (run) => run.link('a', (uuid) => uuid));
    await tracing.shutdown();`;
  const { stderr } = await promisify(execFile)(
    process.execPath,
    ['--conditions=vcon-otel-source', '--input-type=module', '--eval', script],
    { timeout: 60_000 },
  );
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}
