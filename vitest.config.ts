import { defineConfig } from 'vitest/config';

/** `import 'vcon-otel'` means the sources here, as package.json's `exports` has it. */
const conditions = ['vcon-otel-source'];

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    execArgv: conditions.map((condition) => `--conditions=${condition}`),
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
