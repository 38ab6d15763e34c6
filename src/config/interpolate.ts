import { readSecretFile } from './secret-file.ts';

/** Environment variables by name. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A text with its variables filled in. */
export interface Interpolated {
  readonly text: string;
  /** The variables it refers to, set or not. */
  readonly variables: readonly string[];
  /** Whether it contains the contents of a file. */
  readonly hasFile: boolean;
  /** Why it could not be filled in; absent if it could. */
  readonly fault?: string;
}

/**
 * Fills in `${VAR}` and `${VAR:-default}`, and the contents of a file for `${file:PATH}`; `$${` is a literal `${`.
 * As in a shell, the default also replaces an empty variable. Inserted text is not interpolated again.
 */
export function interpolate(template: string, env: Env): Interpolated {
  const variables: string[] = [];
  let hasFile = false;
  let fault: string | undefined;
  const text = template.replace(REFERENCE, (match, name?: string, fallback?: string, file?: string) => {
    if (match === '$${') return '${';
    if (file !== undefined) {
      hasFile = true;
      const read = readSecretFile(file);
      fault ??= read.fault;
      return read.text;
    }
    if (name === undefined) {
      fault ??= 'holds a ${ that begins no variable; $${ stands for a literal one';
      return match;
    }
    variables.push(name);
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    if (fallback === undefined) fault ??= `environment variable ${name} is not set`;
    return fallback ?? match;
  });
  return { text, variables, hasFile, ...(fault === undefined ? {} : { fault }) };
}

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{file:([^}]+)\}|\$\{/g;
