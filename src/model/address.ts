import { errorType, VconOtelError } from './error.ts';

/** Where something listens. */
export interface Address {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Why a server of ours does not listen, and what to do about it: `ADDRESS_UNAVAILABLE`. */
export function cannotListen(path: string, host: string, port: number, cause: unknown): VconOtelError {
  const type = errorType(cause);
  const advice = ADVICE[type];
  const text = `${path}: cannot listen on ${host} port ${port}: ${type}${advice === undefined ? '' : `, ${advice}`}`;
  return new VconOtelError('ADDRESS_UNAVAILABLE', text, { path, cause });
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: `another program has it, perhaps another vcon-otel: end that one, or set port to another (0: any free one)`,
  EADDRNOTAVAIL: 'no interface of this machine has this address: set host to one that it has',
  EACCES: 'ports below 1024 are for root: set port to a higher one',
};
