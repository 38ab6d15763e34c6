import { MARK } from './marks.ts';

const text = `${MARK} text`;

/** What links, storages, queues and tracers may throw: everything in it is marked, and none of it may be told. */
export const FAILURES: Readonly<Record<string, () => unknown>> = {
  message: () => new Error(text),
  cause: () => new Error(text, { cause: new Error(text, { cause: text }) }),
  name: () => Object.assign(new Error(text), { name: text }),
  code: () => Object.assign(new Error(text), { code: text }),
  json: () => new SyntaxError(`Unexpected token in JSON at position 5: {"${MARK}":"${MARK}"}`),
  aggregate: () => new AggregateError([new Error(text)], text),
  fields: () =>
    Object.assign(new Error(text), {
      path: `/${MARK}`,
      address: MARK,
      hostname: MARK,
      [MARK]: MARK,
      errno: MARK,
    }),
  stack: () => Object.assign(new Error(text), { stack: `Error: ${text}\n${text}` }),
  frames: () => new Error(`${text}\n    at ${MARK} (${MARK}:1:1)`),
  string: () => text,
  object: () => ({ message: text, toString: () => text, [MARK]: MARK }),
  symbol: () => Symbol(text),
  function: () => Object.assign(() => text, { code: text }),
  nothing: () => null,
  unreadable: () =>
    Object.defineProperty(new Error(text), 'stack', {
      get: () => {
        throw new Error(text);
      },
    }),
  hostile: () => ({
    get name(): string {
      throw new Error(text);
    },
    get message(): string {
      throw new Error(text);
    },
  }),
};

/** Something that can only be got at by throwing it. */
export function fail(kind: string): never {
  throw FAILURES[kind]?.();
}
