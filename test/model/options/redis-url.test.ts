import { describe, expect, test } from 'vitest';
import { explain } from '../../../src/model/options/explain.ts';
import { redisUrl, sentinelPlace, shownRedisUrl } from '../../../src/model/options/redis-url.ts';
import { hasBarePassword } from '../../../src/model/options/url-password.ts';

const faultOf = (url: string) => {
  const issue = redisUrl.safeParse(url).error?.issues[0];
  return issue && explain({ ...issue });
};
const ENCODED = expect.stringMatching(/^expected a URL whose password is percent-encoded/);

describe('a password', () => {
  test.each([
    'redis://:pa/ss@host:6379',
    'redis://user:12/3@host:6379/0',
    'redis://user:12?3@host',
    'redis://user:12#3@host',
    'redis://:100%@host',
    'redis://:a%zz@host',
    'redis+sentinel://:pa/ss@host:26379/name',
    'redis+sentinel://:100%@host:26379/name',
  ])('in %s has to be percent-encoded, and is not quoted', (url) => expect(faultOf(url)).toEqual(ENCODED));

  test.each([
    'redis://host:6379/0',
    'redis://:pa%2Fss@host:6379',
    'rediss://user:p@ss@host:6379/3',
    'redis://[::1]:6379',
    'redis+sentinel://:pa%2Fss@host:26379/name',
  ])('%s may be written like that', (url) => expect(faultOf(url)).toBeUndefined());

  test('of a database, too', () => {
    expect(hasBarePassword('postgres://me:12/3@host/db')).toBe(true);
    expect(hasBarePassword('postgres://me:12%2F3@host/db?sslmode=require')).toBe(false);
    expect(hasBarePassword('postgres://host:5432/db?application_name=me@here')).toBe(false);
  });
});

describe('sentinels', () => {
  test('are several, and know Redis by its name', () => {
    const url = 'redis+sentinel://me:p%40ss@one,two:1,[::1]:2/mymaster/3?sentinel_password=p%2Fw';
    expect(sentinelPlace(url)).toEqual({
      tls: false,
      sentinels: [
        { host: 'one', port: 26_379 },
        { host: 'two', port: 1 },
        { host: '::1', port: 2 },
      ],
      name: 'mymaster',
      db: 3,
      username: 'me',
      password: 'p@ss',
      sentinelUsername: undefined,
      sentinelPassword: 'p/w',
    });
    expect(shownRedisUrl(url)).toBe('redis+sentinel://one:26379,two:1,[::1]:2/mymaster/3');
  });

  test.each(['rediss+sentinel://one/mymaster', 'REDISS+Sentinel://one/mymaster'])(
    'are spoken to over TLS: %s',
    (url) => expect(sentinelPlace(url)).toMatchObject({ tls: true, db: 0 }),
  );

  test.each([
    'redis+sentinel://one:26379',
    'redis+sentinel:///mymaster',
    'redis+sentinel://one:x/mymaster',
    'redis+sentinel://one:65536/mymaster',
    'redis+sentinel://one,,two/mymaster',
    'redis+sentinel://one/mymaster/zero',
    'redis+sentinel://one/mymaster?password=x',
  ])('%s names none', (url) =>
    expect(faultOf(url)).toBe('expected redis+sentinel://user:password@host:26379,host2:26379/name/0'),
  );
});

test.each(['', 'http://host', 'redis', 'host:6379'])('%s is no URL of Redis', (url) =>
  expect(faultOf(url)).toBe('expected a redis:// or rediss:// URL'),
);
