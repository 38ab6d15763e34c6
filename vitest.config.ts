import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['vcon-otel-source'] },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
