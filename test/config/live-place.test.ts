import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { livePlace } from '../../src/config/live-place.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ENV = { VCON_OTEL_ADMIN_TOKEN: 'token-of-the-environment' };

function configured(text: string): string {
  const file = join(temporaryFolder(), 'config.yaml');
  writeFileSync(file, text);
  return file;
}

test('without a word it is the loopback address of a service, with the token of the environment', async () => {
  expect(await livePlace({}, {})).toEqual({
    ...{ is: 'service', url: new URL('http://127.0.0.1:4419/'), token: undefined },
  });
  expect(await livePlace({ url: 'https://conserver.example/live' }, ENV)).toEqual({
    ...{ is: 'service', url: new URL('https://conserver.example/live'), token: 'token-of-the-environment' },
  });
});

test('a configuration has the address and the token', async () => {
  const config = configured('admin: { host: 0.0.0.0, port: 4500, token: token-of-the-file }\n');
  const found = await livePlace({ config }, ENV);
  expect(found).toEqual({
    ...{ is: 'service', url: new URL('http://127.0.0.1:4500/'), token: 'token-of-the-file' },
  });
  const without = configured('service_name: conserver\n');
  await expect(livePlace({ config: without }, ENV)).rejects.toThrow('asks for no page');
});

test('a stream is that of the command, of the configuration, or the usual one', async () => {
  const local = { is: 'stream', url: 'redis://127.0.0.1:6379', stream: 'vcon-otel:events' };
  expect(await livePlace({ redis: true }, {})).toEqual(local);
  const config = configured(
    'receivers: { redis_stream: { url: "redis://:secret@redis.example:6379", stream: facts } }\n',
  );
  expect(await livePlace({ redis: true, config }, {})).toEqual({
    ...{ is: 'stream', url: 'redis://:secret@redis.example:6379', stream: 'facts' },
  });
  expect(await livePlace({ redis: local.url, stream: 'other', config }, {})).toEqual({
    ...{ ...local, stream: 'other' },
  });
  const without = configured('service_name: conserver\n');
  await expect(livePlace({ redis: true, config: without }, {})).rejects.toThrow('names no Redis');
});
