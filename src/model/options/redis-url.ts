import { z } from 'zod';
import { shownUrl } from '../shown-url.ts';
import { ENCODED_PASSWORD, hasBarePassword } from './url-password.ts';

/** A Redis that sentinels know by its name: `redis+sentinel://user:password@host:26379,host2:26379/name/0`. */
export interface SentinelPlace {
  /** `rediss+sentinel:`: sentinels and Redis are spoken to over TLS. */
  readonly tls: boolean;
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** What the sentinels call it. */
  readonly name: string;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Of the sentinels themselves: `?sentinel_username=` and `?sentinel_password=`. */
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
}

/** The URL of a Redis server, or of the sentinels that know which one it is. */
export const redisUrl = z
  .string()
  .superRefine((text, { addIssue }) => {
    const expected = expectedOf(text);
    if (expected !== undefined) addIssue({ code: 'custom', params: { expected } });
  })
  // For an editor: as much of it as a schema can say.
  .meta({ pattern: '^rediss?(?:[+]sentinel)?:' });

/** Reads the URL of sentinels; undefined for any other. A port that is left out is 26379. */
export function sentinelPlace(url: string): SentinelPlace | undefined {
  const [, scheme, user, password, hosts = '', name = '', db = '0', query = ''] = SENTINEL.exec(url) ?? [];
  if (scheme === undefined || hasBarePassword(url)) return undefined;
  const sentinels = hosts.split(',').map(endpoint);
  const { sentinel_username, sentinel_password, ...others } = Object.fromEntries(new URLSearchParams(query));
  if (!sentinels.every((one) => one !== undefined) || Object.keys(others).length > 0) return undefined;
  return {
    tls: /^rediss/i.test(scheme),
    sentinels,
    name,
    db: Number(db),
    username: plain(user),
    password: plain(password),
    sentinelUsername: sentinel_username || undefined,
    sentinelPassword: sentinel_password || undefined,
  };
}

/** A URL of Redis in a form that may be shown. */
export function shownRedisUrl(url: string): string {
  const place = sentinelPlace(url);
  if (!place) return shownUrl(url);
  const hosts = place.sentinels.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  return `redis${place.tls ? 's' : ''}+sentinel://${hosts.join(',')}/${place.name}/${place.db}`;
}

const SENTINEL =
  /^(rediss?\+sentinel):\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^@/?#]+)\/([\w.-]+)(?:\/(\d{1,5}))?(?:\?([^#]*))?$/i;

const SENTINEL_PORT = 26_379;
const MAX_PORT = 65_535;

/** What is expected instead; undefined where it is right. */
function expectedOf(url: string): string | undefined {
  if (/^rediss?(?:\+sentinel)?:/i.test(url) && hasBarePassword(url)) return ENCODED_PASSWORD;
  if (/^rediss?\+sentinel:/i.test(url))
    return sentinelPlace(url) ? undefined : 'redis+sentinel://user:password@host:26379,host2:26379/name/0';
  const isServer = URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol);
  return isServer ? undefined : 'a redis:// or rediss:// URL';
}

function endpoint(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port = SENTINEL_PORT] = /^(\[[0-9a-f:.]+\]|[^[\]:]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (host === undefined || Number(port) > MAX_PORT) return undefined;
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}

function plain(encoded: string | undefined): string | undefined {
  return encoded ? decodeURIComponent(encoded) : undefined;
}
