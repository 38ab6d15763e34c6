export { testTracer } from './test-tracer.ts';
export type { TracerCheck, TracerTestSettings, Trial } from './trial.ts';
