import { type Command, InvalidArgumentError, Option } from 'commander';
import { type LiveOptions, livePlace } from '../../config/live-place.ts';
import { redisUrl } from '../../model/options/redis-url.ts';
import { httpUrl } from '../../model/options/values.ts';
import { serviceSource } from './service-source.ts';
import type { LiveSource } from './source.ts';
import { streamSource } from './stream-source.ts';

/** Adds the options that say what to look at to a command. */
export function takesSource(command: Command): Command {
  return command
    .addOption(
      new Option('--url <url>', 'the admin server of the service (default: http://127.0.0.1:4419)')
        .argParser(parseUrl)
        .conflicts('redis'),
    )
    .option('--config <file>', 'the configuration of the service: it has the address and the token')
    .addOption(
      new Option(
        '--redis [url]',
        'a stream of facts in Redis instead of a service (default: that of --config, or redis://127.0.0.1:6379)',
      ).argParser(parseRedis),
    )
    .option('--stream <key>', 'the key of the stream (default: that of --config, or vcon-otel:events)');
}

/** @throws ConfigError; VconOtelError `OPTIONS_INVALID` */
export async function openSource(options: LiveOptions): Promise<LiveSource> {
  const place = await livePlace(options);
  return place.is === 'service' ? serviceSource(place) : streamSource(place);
}

/** @throws InvalidArgumentError */
function parseUrl(text: string): string {
  if (!httpUrl.safeParse(text).success) throw new InvalidArgumentError('It is an http:// or https:// URL.');
  return withoutSecret(text);
}

/** @throws InvalidArgumentError */
function parseRedis(text: string): string {
  if (!redisUrl.safeParse(text).success) throw new InvalidArgumentError('It is a redis:// or rediss:// URL.');
  return withoutSecret(text);
}

function withoutSecret(text: string): string {
  const [, credentials] = /^[a-z+]+:\/\/(?:([^/?#]*)@)?/i.exec(text) ?? [];
  if (credentials === undefined) return text;
  throw new InvalidArgumentError(
    'Whoever is on this machine can read the arguments of a command: write what is secret into a configuration, and name it with --config.',
  );
}
