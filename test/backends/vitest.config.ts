import { defineConfig } from 'vitest/config';
import { shared } from '../../vitest.config.ts';

/** `npm run test:backends`: real programs on two cores, so one file after the other. */
export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    include: ['test/backends/**/*.backends.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    // The first run builds the programs.
    hookTimeout: 2_400_000,
    reporters: ['verbose'],
  },
});
