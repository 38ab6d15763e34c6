import { VconOtelError } from '../model/error.ts';
import { localUrl } from '../outgoing/own-address.ts';
import type { Env } from './interpolate.ts';
import { type Config, loadConfig, redisUrlOf } from './load-config.ts';
import { DEFAULT_HEALTH } from './schema.ts';

/** What somebody said that they want to look at. */
export interface LiveOptions {
  /** Of an admin server. */
  readonly url?: string;
  /** The configuration of the service. */
  readonly config?: string;
  /** The url of a Redis; true: that of the configuration. */
  readonly redis?: string | true;
  readonly stream?: string;
}

/** Where it is: at a service, or in a stream. Token and url are never shown. */
export type LivePlace =
  | { readonly is: 'service'; readonly url: URL; readonly token: string | undefined }
  | { readonly is: 'stream'; readonly url: string; readonly stream: string };

/** The variable with the token of an admin server: an argument could be read by everybody on the machine. */
export const TOKEN_VARIABLE = 'VCON_OTEL_ADMIN_TOKEN';

/**
 * Finds what is to be looked at: the admin server of a configuration, or a loopback one where nothing is said, with the token of the
 * configuration or of {@link TOKEN_VARIABLE}.
 * @throws ConfigError; VconOtelError `OPTIONS_INVALID` where the configuration has no such server or stream
 */
export async function livePlace(options: LiveOptions, env: Env = process.env): Promise<LivePlace> {
  const { url, config: file, redis, stream } = options;
  const config = file === undefined ? undefined : (await loadConfig(file, env)).config;
  if (redis === undefined) {
    const token = config?.admin?.token || env[TOKEN_VARIABLE] || undefined;
    return { is: 'service', url: url === undefined ? adminUrl(config, file) : new URL(url), token };
  }
  const configured = config?.receivers.redis_stream;
  const place = redis === true ? (configured?.url ?? (config && redisUrlOf(config.vcon_store))) : redis;
  if (place === undefined && config)
    throw new VconOtelError('OPTIONS_INVALID', `${file} names no Redis: give its url, --redis URL`);
  return {
    is: 'stream',
    url: place ?? DEFAULT_REDIS,
    stream: stream ?? configured?.stream ?? DEFAULT_STREAM,
  };
}

/** Those of redis-server, and of the file inside a conserver. */
const DEFAULT_REDIS = 'redis://127.0.0.1:6379';
const DEFAULT_STREAM = 'vcon-otel:events';

function adminUrl(config: Config | undefined, file: string | undefined): URL {
  if (config && !config.admin?.page)
    throw new VconOtelError(
      'OPTIONS_INVALID',
      `${file} asks for no page, which is what is looked at: write "admin: {}" into it`,
      { path: 'admin' },
    );
  return localUrl(config?.admin ?? DEFAULT_HEALTH, '/');
}
