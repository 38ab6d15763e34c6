import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

//  A browser presents a token once, as any program does, and from then on a cookie made of it: scripts cannot read that, other sites
//  cannot send it, and it opens nothing else. Nothing is kept here: with another token, or none, every cookie is void.

/** The header that gives a browser its cookie, after a request that presented a token; undefined where none was needed. */
export function sessionCookie(request: IncomingMessage): string | undefined {
  const [, token] = /^bearer +(.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token === undefined) return undefined;
  return `${cookieName(request)}=${sessionOf(token)}; Max-Age=${AGE}${attributes(request)}`;
}

/** The header that takes it away. */
export function endedSession(request: IncomingMessage): string {
  return `${cookieName(request)}=; Max-Age=0${attributes(request)}`;
}

/** Whether a request brings the cookie of a token. */
export function hasSession(request: IncomingMessage, token: string): boolean {
  const name = cookieName(request);
  const cookies = (request.headers.cookie ?? '').split(';').map((cookie) => cookie.trim().split('='));
  const [, given = ''] = cookies.find(([key]) => key === name) ?? [];
  return token !== '' && timingSafeEqual(digest(given), digest(sessionOf(token)));
}

/** Seconds: a day's work. */
const AGE = 43_200;

function attributes({ headers }: IncomingMessage): string {
  const isSecure = headers['x-forwarded-proto'] === 'https';
  return `; Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}

/** Cookies do not tell ports apart, and there may be a service on each. */
function cookieName({ socket }: IncomingMessage): string {
  return `vcon-otel-${socket.localPort}`;
}

function sessionOf(token: string): string {
  return createHmac('sha256', token).update('vcon-otel page').digest('hex');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
