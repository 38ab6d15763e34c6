import { createHash, timingSafeEqual } from 'node:crypto';

/** Tokens of those who may enter: one of somebody without a name, and others by the names of who has them. */
export interface Tokens {
  readonly token?: string | undefined;
  readonly tokens?: Readonly<Record<string, string>> | undefined;
}

/** Somebody who may enter; the name is that of the token, if it has one. */
export interface Sender {
  readonly name: string | undefined;
}

/** Whether any token is asked for; an empty one is none, as `${TOKEN:-}` has it. */
export function hasToken({ token, tokens = {} }: Tokens): boolean {
  return Boolean(token) || Object.keys(tokens).length > 0;
}

/**
 * Who an `Authorization` header lets in (RFC 6750), found in a time that reveals nothing about any token. Where there is no token, it is
 * anybody.
 */
export function bearerCheck(given: Tokens): (authorization: string | undefined) => Sender | undefined {
  if (!hasToken(given)) return () => ANYBODY;
  const known = [
    ...(given.token ? [{ digest: digest(given.token), sender: ANYBODY }] : []),
    ...Object.entries(given.tokens ?? {}).map(([name, token]) => ({
      digest: digest(token),
      sender: { name },
    })),
  ];
  return (authorization = '') => {
    const presented = /^bearer +(.+)$/i.exec(authorization)?.[1];
    const offered = digest(presented ?? '');
    const [found] = known.filter((one) => timingSafeEqual(one.digest, offered));
    return presented === undefined ? undefined : found?.sender;
  };
}

const ANYBODY: Sender = { name: undefined };

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
