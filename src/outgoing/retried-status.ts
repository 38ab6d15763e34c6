/**
 * Whether a second attempt may succeed after an HTTP status: 408, 425, 429 and 5xx (RFC 9110 §15.5 f.; RFC 6585 §4; RFC 8470
 * §5.2). A redirect is none of them: it is never followed.
 */
export function isRetriedStatus(status: number): boolean {
  return RETRIED.has(status) || status >= 500;
}

const RETRIED: ReadonlySet<number> = new Set([408, 425, 429]);
