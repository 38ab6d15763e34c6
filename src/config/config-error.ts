import { VconOtelError } from '../model/error.ts';
import { type Fault, sayFault } from '../model/fault.ts';

/** A configuration with faults, all of them, a line each in its message; its `path` is the first one's. */
export class ConfigError extends VconOtelError {
  readonly faults: readonly Fault[];

  constructor(code: 'CONFIG_INVALID' | 'CONFIG_UNREADABLE', faults: readonly Fault[]) {
    const [first] = faults;
    super(code, faults.map(sayFault).join('\n'), first ? { path: first.path } : {});
    this.name = 'ConfigError';
    this.faults = faults;
  }
}
