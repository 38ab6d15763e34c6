import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an `Authorization` header holds the token (RFC 6750), in a time that tells nothing about it. */
export function bearerCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization = '') => {
    const given = /^bearer +(.+)$/i.exec(authorization)?.[1];
    return timingSafeEqual(digest(given ?? ''), expected) && given !== undefined;
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
