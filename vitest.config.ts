import { defineConfig } from 'vitest/config';

/** `import 'vcon-otel'` means the sources here, as package.json's `exports` has it. */
const conditions = ['vcon-otel-source'];

const isUnattended = process.env.CI === 'true' || process.env.UNATTENDED === 'true';

/** What holds for every test of this repository. */
export const shared = {
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    execArgv: conditions.map((condition) => `--conditions=${condition}`),
    // For what hangs. How long something takes is for bench/ to say.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { interval: 5, timeout: 120_000 } },
    // With CI=true, and in .ci/run: thousands of tests, on a machine that nobody knows. Which of them needed it is printed.
    retry: isUnattended ? 1 : 0,
  },
};

const SLOW = 'test/**/*.slow.test.ts';
const SEARCHES = 'test/**/*.search.test.ts';

/** The rings: `npm test` is `quick`, `npm run test:slow` is `slow`; CONTRIBUTING.md says what belongs where. */
export default defineConfig({
  ...shared,
  test: {
    maxWorkers: '100%',
    reporters: ['default', './test/support/second-tries.ts'],
    projects: [
      {
        ...shared,
        test: {
          ...shared.test,
          name: 'quick',
          include: ['test/**/*.test.ts'],
          exclude: [SLOW],
          env: { RING: 'quick' },
          // Modules are loaded once for all files of a worker: no test leaves anything behind for the next.
          isolate: false,
        },
      },
      {
        ...shared,
        test: {
          ...shared.test,
          name: 'slow',
          include: [SLOW, SEARCHES],
          env: { RING: 'slow' },
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
