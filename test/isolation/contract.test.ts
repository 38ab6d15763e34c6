import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { z } from 'zod';
import { ThreadedTracer } from '../../src/isolation/threaded-tracer.ts';
import { systemClock } from '../../src/model/clock.ts';
import type { TracerDefinition } from '../../src/model/tracer.ts';
import { testTracer } from '../../src/testing/index.ts';

const MOODY = join(import.meta.dirname, 'moody-tracer.ts');

/** A tracer that runs in a thread, as the contract knows one: made at once. */
const threaded: TracerDefinition<z.ZodObject<{ file: z.ZodString }>> = {
  options: z.strictObject({ file: z.string() }),
  create: (options, host) => {
    const thread = new ThreadedTracer({
      ...{ name: 'tested', file: MOODY, options, timeout: 60_000, concurrency: 256 },
      ...{ patience: 60_000, making: 60_000, memory: 200, clock: systemClock },
      ended: () => undefined,
      stray: () => undefined,
    });
    const has = { trace: true, traceBatch: true, run: true };
    const module = thread.module({
      has,
      completion: true,
      audit: false,
      readsVcons: false,
      remarks: [],
      files: [],
    });
    return module.create({}, host);
  },
};

describe('the contract of a tracer holds across its thread', () => {
  const checks = testTracer(threaded, {
    prepare: () => {
      const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-'));
      const file = join(folder, 'heard');
      writeFileSync(file, '');
      return { options: { file }, file, close: async () => rmSync(folder, { recursive: true }) };
    },
    heard: ({ file }) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.includes('"context"'))
        .map((line) => JSON.parse(line).context.eventId),
    timeout: 60_000,
  });
  for (const { name, run } of checks) test(name, run);
});
