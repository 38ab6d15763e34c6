import { test } from 'node:test';
import { testTracer } from 'vcon-otel/testing';
import countingTracer from './counting-tracer.ts';

// vitest and jest take the same two arguments.
for (const { name, run } of testTracer(countingTracer)) test(name, run);
