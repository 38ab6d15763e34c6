import { type Document, isScalar, LineCounter, parseDocument, Scalar, visit } from 'yaml';
import type { Fault } from '../model/fault.ts';
import { ConfigError } from './config-error.ts';
import { type Env, interpolate } from './interpolate.ts';
import { formatPath } from './path.ts';
import { type PlaceOf, placesIn } from './places.ts';
import { isSecretName } from './redact.ts';
import { syntaxFault } from './syntax-fault.ts';

/** A YAML file as plain values. */
export interface YamlReading {
  /** Null for an empty file. */
  readonly value: unknown;
  /** Paths of the values that came from a file, or from an environment variable with the name of a secret. */
  readonly secretPaths: ReadonlySet<string>;
  /** What was wrong with variables. */
  readonly faults: readonly Fault[];
  readonly placeOf: PlaceOf;
}

/**
 * Reads YAML 1.2 (core schema, and `<<` merge keys as PyYAML has them) and fills in environment variables.
 * That happens after parsing and in scalar values only, so no variable can add a key, a list or an alias.
 * @throws ConfigError `CONFIG_INVALID` for what is not YAML, naming line and column. The library's own
 * messages quote the file and are not repeated.
 */
export function readYaml(text: string, env: Env): YamlReading {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Its warnings go to stderr and quote the file; they are kept in document.warnings all the same.
    logLevel: 'error',
    schema: 'core',
    resolveKnownTags: false,
    stringKeys: true,
    merge: true,
  });
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0)
    throw new ConfigError(
      'CONFIG_INVALID',
      broken.slice(0, MAX_SYNTAX_FAULTS).map((error) => syntaxFault(error, lines)),
    );
  const placeOf = placesIn(document, lines);
  return { ...new VariableReader(document, env).read(toTemplates(document)), placeOf };
}

// One slip can make hundreds of errors in a row.
const MAX_SYNTAX_FAULTS = 3;
const MAX_ALIASES = 100;
const MAX_DEPTH = 64;
const MAX_VALUES = 100_000;

/** A scalar that refers to variables, in place of its text until its path is known. */
class Template {
  readonly text: string;
  /** Unquoted, so what comes out is read as YAML would read it: `${PORT}` is a number. */
  readonly plain: boolean;

  constructor(text: string, plain: boolean) {
    this.text = text;
    this.plain = plain;
  }
}

function toTemplates(document: Document.Parsed): unknown {
  try {
    visit(document, {
      Scalar(key, node) {
        if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
        node.value = new Template(node.value, node.type === Scalar.PLAIN && node.tag === undefined);
      },
    });
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    // The library's own error quotes the alias.
    throw unusable(
      error instanceof RangeError
        ? 'is nested too deeply'
        : `has an alias without an anchor, or aliases that lead to more than ${MAX_ALIASES} copies`,
    );
  }
}

function unusable(message: string): ConfigError {
  return new ConfigError('CONFIG_INVALID', [{ path: formatPath([]), message }]);
}

/** Walks through what was read and replaces each {@link Template}. Builds a tree: what aliases share is copied. */
class VariableReader {
  readonly #document: Document.Parsed;
  readonly #env: Env;
  readonly #secretPaths = new Set<string>();
  readonly #faults: Fault[] = [];
  #values = 0;

  constructor(document: Document.Parsed, env: Env) {
    this.#document = document;
    this.#env = env;
  }

  read(value: unknown): Omit<YamlReading, 'placeOf'> {
    return { value: this.#fill(value, []), secretPaths: this.#secretPaths, faults: this.#faults };
  }

  #fill(value: unknown, path: readonly PropertyKey[]): unknown {
    // An alias can lead back to what holds it.
    if (++this.#values > MAX_VALUES || path.length > MAX_DEPTH)
      throw unusable(`is nested deeper than ${MAX_DEPTH} levels or holds more than ${MAX_VALUES} values`);
    if (value instanceof Template) return this.#resolve(value, path);
    if (Array.isArray(value)) return value.map((item, i) => this.#fill(item, [...path, i]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.#fillEntry(key, item, path)]),
    );
  }

  #fillEntry(key: string, value: unknown, path: readonly PropertyKey[]): unknown {
    const at = [...path, key];
    if (key.includes('${'))
      this.#faults.push({ path: formatPath(at), message: 'a key cannot hold a variable' });
    return this.#fill(value, at);
  }

  #resolve({ text, plain }: Template, path: readonly PropertyKey[]): unknown {
    const filled = interpolate(text, this.#env);
    const at = formatPath(path);
    if (filled.fault !== undefined) this.#faults.push({ path: at, message: filled.fault });
    if (filled.hasFile || filled.variables.some(isSecretName)) this.#secretPaths.add(at);
    return plain ? this.#readScalar(filled.text) : filled.text;
  }

  #readScalar(text: string): unknown {
    for (const tag of this.#document.schema.tags)
      if (tag.default === true && tag.collection === undefined && tag.test?.test(text)) {
        const value = tag.resolve(text, () => undefined, {});
        return isScalar(value) ? value.value : value;
      }
    return text;
  }
}
