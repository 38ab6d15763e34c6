import { warning } from '../../model/finding.ts';
import type { Probes } from './probe.ts';

/** Whether the environment switches everything off. */
export const environmentProbes: Probes = ({ environment }) => {
  if (!environment.disabled) return [];
  const text = 'nothing is traced, and tracers hear nothing';
  return [{ about: 'OTEL_SDK_DISABLED', look: async () => [warning(text, 'unset the variable')] }];
};
