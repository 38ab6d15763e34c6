/**
 * The result of checking something that a configuration names, for `vcon-otel doctor`. Neither text holds a secret, a url
 * with credentials, or anything of a document.
 */
export interface Finding {
  /** `warning`: it works, but perhaps not as expected. `fault`: it does not work. */
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
export function problem(text: string, advice?: string): Finding {
  return { state: 'fault', text, ...(advice !== undefined && { advice }) };
}
