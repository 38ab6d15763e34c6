import { formatPath, isGivenName, isModulePath } from './path.ts';

/** What is printed in place of a secret. */
const REDACTED = '[redacted]';

/** Whether the name of a key or an environment variable suggests a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * A copy of a configuration that may be shown: without the values of keys that sound secret, or that came from
 * variables that do, and without the credentials and queries of URLs.
 * @param secretPaths paths of values from such variables
 */
export function withoutSecrets(config: unknown, secretPaths: ReadonlySet<string>): unknown {
  return redactAt(config, [], secretPaths);
}

const SECRET_WORDS =
  'pass|pwd|secret|token|key|auth|credential|cookie|dsn|private(?!_hosts)|cert|signature|bearer|licen[cs]e|headers';
const SECRET_NAME = new RegExp(SECRET_WORDS, 'i');
// `password=…`, `X-Api-Key: …` or `Bearer …` inside a value whose own key says nothing.
const SECRET_TEXT = new RegExp(`(?:${SECRET_WORDS})[\\w-]*["']?\\s*[=:]|\\bbearer\\s`, 'i');

function redactAt(value: unknown, path: readonly PropertyKey[], secretPaths: ReadonlySet<string>): unknown {
  if (secretPaths.has(formatPath(path))) return REDACTED;
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'function') return '[module]';
  if (typeof value !== 'object' || value === null) return value;
  if (path.length > MAX_DEPTH) return REDACTED;
  if (Array.isArray(value)) return value.map((item, i) => redactAt(item, [...path, i], secretPaths));
  if (isModulePath(path)) return '[module]';
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const at = [...path, key];
      return [key, isSecretName(key) && !isGivenName(at) ? REDACTED : redactAt(item, at, secretPaths)];
    }),
  );
}

// Options passed in by code may contain themselves.
const MAX_DEPTH = 64;

function redactText(text: string): string {
  const shown = text
    // Greedy on purpose: a password may hold `/`, `?`, `#` and `@`.
    .replace(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, `$1${REDACTED}@`)
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s?#]*)[?#]\S*/gi, `$1?${REDACTED}`);
  return SECRET_TEXT.test(shown) ? REDACTED : shown;
}
