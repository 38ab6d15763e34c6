import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { PartlyWritten } from '../../src/persistence/batches.ts';
import { DurableFile } from '../../src/persistence/durable-file.ts';
import { LineFile } from '../../src/persistence/line-file.ts';

// Run under a limit of the size of files (`prlimit --fsize`), which the system enforces as it does a full disk: it writes
// what fits, then refuses. Appends four letters at a time, with room for two and a half of them, and again when there is
// room. Prints what became of each attempt.

const [kind = '', path = ''] = process.argv.slice(2);
const ROOM = 10;
const limit = (size: number | string) =>
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${size}:unlimited`]);

const { append, close } = opened();
const outcomes = [await attempt('AAA\n')];
limit(statSync(path).size + ROOM);
outcomes.push(await attempt('BBB\n', 'CCC\n', 'DDD\n', 'EEE\n'), await attempt('FFF\n'));
limit('unlimited');
outcomes.push(await attempt('GGG\n'));
await close();
process.stdout.write(JSON.stringify(outcomes));

function opened() {
  if (kind === 'lines') {
    const file = new LineFile(path);
    return {
      append: (lines: readonly string[]) => file.write(lines.map((line) => Buffer.from(line))),
      close: () => file.close(),
    };
  }
  const file = new DurableFile({ path, create: true, ...(kind === 'owned' && { end: 0 }) });
  return { append: (lines: readonly string[]) => file.append(lines.join('')), close: () => file.close() };
}

async function attempt(...lines: string[]): Promise<string> {
  try {
    await append(lines);
    return 'written';
  } catch (error) {
    const [written, cause] = error instanceof PartlyWritten ? [error.written, error.cause] : [0, error];
    return `${written} written, ${(cause as NodeJS.ErrnoException).code}`;
  }
}
