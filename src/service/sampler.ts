import type { Sampler } from '@opentelemetry/sdk-trace';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import type { SamplerChoice } from '../config/load-config.ts';

/** The sampler that `OTEL_TRACES_SAMPLER` asks for; OpenTelemetry's default where it does not. */
export function samplerFor(choice: SamplerChoice = { root: 'always_on', parentBased: true }): Sampler {
  const root = rootSampler(choice);
  return choice.parentBased ? new ParentBasedSampler({ root }) : root;
}

function rootSampler(choice: SamplerChoice): Sampler {
  if (choice.root === 'traceidratio') return new TraceIdRatioBasedSampler(choice.ratio);
  return choice.root === 'always_on' ? new AlwaysOnSampler() : new AlwaysOffSampler();
}
