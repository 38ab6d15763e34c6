import { VconOtelError } from '../model/error.ts';

/** One thing that is wrong with a configuration. The message never quotes a value: it may be a secret. */
export interface Fault {
  /** The offending key (`chains.main.tracers[0]`), environment variable, file, or place in the file. */
  readonly path: string;
  readonly message: string;
}

/** A configuration with faults, all of them, a line each in its message; its `path` is the first one's. */
export class ConfigError extends VconOtelError {
  readonly faults: readonly Fault[];

  constructor(code: 'CONFIG_INVALID' | 'CONFIG_UNREADABLE', faults: readonly Fault[]) {
    const [first] = faults;
    super(
      code,
      faults.map(({ path, message }) => `${path}: ${message}`).join('\n'),
      first ? { path: first.path } : {},
    );
    this.name = 'ConfigError';
    this.faults = faults;
  }
}
