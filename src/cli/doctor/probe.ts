import type { LoadedConfig } from '../../config/load-config.ts';
import type { Finding } from '../../model/finding.ts';

/** One thing that a configuration names, and how to check it. */
export interface Probe {
  /** The key of the configuration. */
  readonly about: string;
  /** Changes nothing. May throw: then only the type of the error is shown. */
  look(): Promise<readonly Finding[]>;
}

/**
 * The probes that a configuration calls for; none for a section that is missing.
 * @param timeout milliseconds that each may take
 */
export type Probes = (loaded: LoadedConfig, timeout: number) => readonly Probe[];
