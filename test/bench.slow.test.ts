import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const bench = join(import.meta.dirname, '..', 'bench', 'run.ts');

test.each([
  ['span-cost', ['Cost per span']],
  ['slow-tracer', ['a tracer that takes 50 ms']],
  ['memory', ['runs open at once', 'Heap after finished runs']],
  ['journal', ['Durable events for three tracers', 'INSERT for each event']],
  ['ledger', ['Records appended', 'A ledger read', 'The inclusion proof']],
  ['dispatch', ['A backlog of']],
  ['receive', ['What arrives', '278 runs a second', 'Where the time goes']],
  ['hot-path', ['onStart and onEnd of a span', 'Processor time per span']],
  ['python-compat', ['English', 'Japanese']],
  ['page', ['From the fact to the document', 'Scripting with', '278 runs a second']],
])('the benchmark %s runs to its end and prints its tables', async (name, headings) => {
  // Rejects unless it exits with 0.
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '--short', '--only', name], {
    timeout: 1_700_000,
  });
  expect(stdout).toMatch(/^\d+ cores .* load /);
  for (const heading of headings) expect(stdout).toContain(heading);
});
