import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { testTracer } from 'vcon-otel/testing';
import retentionTracer from './retention-tracer.ts';

const checks = testTracer(retentionTracer, {
  // For each check: options of its own, and how to clean up afterwards.
  prepare: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'retention-'));
    return { directory, options: { directory }, close: () => rm(directory, { recursive: true }) };
  },
  // What arrived, to compare with what happened.
  heard: async ({ directory }) => {
    const files = (await readdir(directory)).sort();
    const texts = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')));
    const lines = texts.join('').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line).eventId);
  },
});
for (const { name, run } of checks) test(name, run);
