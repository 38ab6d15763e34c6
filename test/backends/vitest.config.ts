import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

/** `npm run test:backends`: real programs on two cores, so one file after the other. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/backends/**/*.backends.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    // The first run builds the programs.
    hookTimeout: 2_400_000,
    reporters: ['verbose'],
  },
});
