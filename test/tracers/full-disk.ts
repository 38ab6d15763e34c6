import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { eventContext, started } from './started.ts';

// Run under a limit of the size of files (`prlimit --fsize`), which the system enforces as it does a full disk: it
// writes what fits, then refuses. Prints what became of each call.

const [log_file = ''] = process.argv.slice(2);
const { trace, shutdown } = await started('tracers.audit_log', { log_file });

const calls = (...ids: string[]) =>
  Promise.all(
    ids.map((eventId) =>
      trace('vcon-1', 'chain_start', eventContext({ eventId })).then(
        () => [eventId, 'written'],
        (error: NodeJS.ErrnoException) => [eventId, error.code],
      ),
    ),
  );
const limit = (size: number | string) =>
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${size}:unlimited`]);

const first = await calls('a', 'b', 'c', 'd', 'e', 'f');
limit('unlimited');
const second = await calls('g');
limit(statSync(log_file).size + 100);
const third = await calls('h', 'i');
limit('unlimited');
await shutdown();
process.stdout.write(JSON.stringify([...first, ...second, ...third]));
