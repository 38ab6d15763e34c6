import { ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { type Sampler, SamplingDecision } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { parseConfig, type SamplerChoice } from '../../src/config/load-config.ts';
import { samplerFor } from '../../src/service/sampler.ts';

const LOW = '00000000000000000000000000000001';
const HIGH = 'ffffffff000000000000000000000000';
const SPAN = '00f067aa0ba902b7';

/** The choice that the variable makes. */
function chosen(name: string, argument?: string): SamplerChoice | undefined {
  const env = {
    OTEL_TRACES_SAMPLER: name,
    ...(argument === undefined ? {} : { OTEL_TRACES_SAMPLER_ARG: argument }),
  };
  return parseConfig({}, env).environment.sampler;
}

function samples(sampler: Sampler, traceId = LOW, parent?: TraceFlags): boolean {
  const context =
    parent === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: SPAN, traceFlags: parent });
  const { decision } = sampler.shouldSample(context, traceId, 'span', SpanKind.INTERNAL, {}, []);
  return decision === SamplingDecision.RECORD_AND_SAMPLED;
}

describe('what is sampled: a root, a child of a sampled parent, a child of one that is not', () => {
  test.each([
    [undefined, [true, true, false]],
    ['always_on', [true, true, true]],
    ['always_off', [false, false, false]],
    ['parentbased_always_on', [true, true, false]],
    ['parentbased_always_off', [false, true, false]],
  ])('%s', (name, expected) => {
    const sampler = samplerFor(name === undefined ? undefined : chosen(name));
    const parents = [undefined, TraceFlags.SAMPLED, TraceFlags.NONE];
    expect(parents.map((parent) => samples(sampler, LOW, parent))).toEqual(expected);
  });
});

test.each([
  ['traceidratio', '0.5', [true, false]],
  ['traceidratio', '0', [false, false]],
  ['traceidratio', undefined, [true, true]],
  ['parentbased_traceidratio', '0.5', [true, false]],
])('%s with argument %s decides by trace id', (name, argument, expected) => {
  const sampler = samplerFor(chosen(name, argument));
  expect([LOW, HIGH].map((traceId) => samples(sampler, traceId))).toEqual(expected);
});

test('only a parent-based ratio follows the parent', () => {
  const followed = ['traceidratio', 'parentbased_traceidratio'].map((name) =>
    samples(samplerFor(chosen(name, '0.5')), HIGH, TraceFlags.SAMPLED),
  );
  expect(followed).toEqual([false, true]);
});
