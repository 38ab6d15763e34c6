import { errorType } from '../model/error.ts';

/**
 * Why somebody's module could not be loaded, in a few words: what it imports in vain, or the place in the code. Nothing else of the
 * message of an error is told, since a module may throw anything.
 * @param file that was to be loaded
 */
export function whyNotLoaded(error: unknown, file: string): string {
  const type = errorType(error);
  if (!(error instanceof Error)) return type;
  const { message, stack } = error;
  const advice = ADVICE[type];
  if (advice !== undefined) return `${type}: ${advice}`;
  if (type.endsWith('MODULE_NOT_FOUND')) {
    const [, kind, specifier] = /^Cannot find (package|module) '([^'\s]{1,300})'/.exec(message) ?? [];
    if (specifier !== undefined)
      return `${type}: it imports ${specifier}, ${kind === 'package' ? NOT_INSTALLED : 'which is not there'}`;
  }
  if (/^(Cannot use import statement outside a module|Unexpected token 'export')$/.test(message))
    return `${type}: ${NO_MODULE}`;
  const [, from, name] =
    /^The requested module '([^'\s]{1,300})' does not provide an export named '([\w$]{1,100})'/.exec(
      message,
    ) ?? [];
  if (type === 'SyntaxError')
    return `${type}: ${name === undefined ? `"node ${file}" shows where` : `${from} exports no ${name}`}`;
  const place = placeOf(String(stack), message);
  return place === undefined ? type : `${type} at ${place}`;
}

const NOT_INSTALLED = 'a package that is not installed where the file is';

/** `npm init` writes such a package.json. */
const NO_MODULE =
  'its package.json has "type": "commonjs"; call the file .mts (or .mjs), or write "type": "module" there';

/** What Node.js does not take as it is. */
const ADVICE: Readonly<Record<string, string>> = {
  ERR_UNKNOWN_FILE_EXTENSION: `Node.js ${process.versions.node} does not run TypeScript as it is, 22.18 and newer do`,
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX:
    'Node.js removes types and no more, so an enum or the like has to be compiled',
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING:
    'Node.js runs no TypeScript below node_modules, so a package is compiled',
};

/** File and line of the first frame that has them. */
function placeOf(stack: string, message: string): string | undefined {
  const after = stack.indexOf(message) + message.length;
  return /\n {4}at [^\n]*?file:\/\/(\/[^\n]{1,300}?:\d+):\d+/.exec(stack.slice(after))?.[1];
}
