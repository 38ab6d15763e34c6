import type { Sampler } from '@opentelemetry/sdk-trace';

/** What a sampler is, in any version of the SDK. */
interface AnySampler {
  shouldSample(...args: never[]): { decision: number };
}

/**
 * A sampler that records every span, so that tracers hear every run, and lets exporters have those that the given one picks, by default
 * all. It works with every version of the SDK (3.x has the same as `createAlwaysRecordSampler`, 2.x has not).
 */
export function alwaysRecord<S extends AnySampler = Sampler>(sampler?: S): S {
  const sampled = { decision: RECORD_AND_SAMPLED };
  return {
    shouldSample: (...args: never[]) => {
      const result = sampler?.shouldSample(...args) ?? sampled;
      return result.decision === NOT_RECORD ? { ...result, decision: RECORD } : result;
    },
    toString: () => `AlwaysRecord{${sampler ?? 'AlwaysOn'}}`,
  } as unknown as S;
}

/** The numbers of `SamplingDecision`. */
const NOT_RECORD = 0;
const RECORD = 1;
const RECORD_AND_SAMPLED = 2;
