/** One mistake in what somebody has written. The message never quotes a value, which may be a secret. */
export interface Fault {
  /** The offending key (`chains.main.tracers[0]`), environment variable, file, or place in the file. */
  readonly path: string;
  readonly message: string;
  /** Where in the file it stands, in words. */
  readonly place?: string;
}

/** A fault in one line. */
export function sayFault({ path, message, place }: Fault): string {
  return `${path}: ${message}${place === undefined ? '' : ` (${place})`}`;
}
