import { describe, test } from 'vitest';
import { inject } from './fault.ts';
import { faults } from './run.ts';

/** Milliseconds: several times what the longest of them takes beside other tests. */
const TIMEOUT = 180_000;

// In little: `npm run faults` injects them as often as it takes.
describe('nothing is lost, and nothing delivered twice, with', () => {
  for (const fault of faults) {
    const missing = fault.missing?.();
    const { title } = fault;
    if (missing === undefined) test(title, { timeout: TIMEOUT }, () => injected(fault));
    else test.skip(`${title}: ${missing}`, () => {});
  }
});

/** @throws Error with everything that was said, the seed among it */
async function injected(fault: (typeof faults)[number]): Promise<void> {
  const said: string[] = [];
  try {
    await inject(fault, 'test', (line) => said.push(line));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error([...said, reason].join('\n'), { cause: error });
  }
}
