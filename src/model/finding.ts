/**
 * What a look at something that a configuration names has come to, for `vcon-otel doctor`. Neither text holds a secret, a
 * url with credentials, or anything of a document.
 */
export interface Finding {
  /** `warning`: it runs, but not as somebody may think. `fault`: it does not. */
  readonly state: 'ok' | 'warning' | 'fault';
  /** What was found. */
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** As it should be. */
export function ok(text: string): Finding {
  return { state: 'ok', text };
}

/** Not wrong, but worth knowing. */
export function warning(text: string, advice?: string): Finding {
  return { state: 'warning', text, ...(advice !== undefined && { advice }) };
}

/** Wrong. */
export function fault(text: string, advice?: string): Finding {
  return { state: 'fault', text, ...(advice !== undefined && { advice }) };
}
