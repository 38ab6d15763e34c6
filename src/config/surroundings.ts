/** Where a conserver on this machine may be, as its own environment has it. */
export interface Surroundings {
  /** The files that may be its configuration, the likeliest first. */
  readonly configs: readonly string[];
  /** The Redis of `REDIS_URL`. */
  readonly redisUrl: string | undefined;
  /** The Collector of `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly otlpEndpoint: string | undefined;
}

/** What the environment says of a conserver and a Collector, for somebody who has no configuration yet. */
export function surroundings(env: NodeJS.ProcessEnv = process.env): Surroundings {
  const { CONSERVER_CONFIG_FILE, REDIS_URL, OTEL_EXPORTER_OTLP_ENDPOINT } = env;
  return {
    configs: [
      ...(CONSERVER_CONFIG_FILE ? [CONSERVER_CONFIG_FILE] : []),
      './config.yml',
      './conserver/config.yml',
      '../config.yml',
      '/etc/conserver/config.yml',
    ],
    redisUrl: REDIS_URL || undefined,
    otlpEndpoint: OTEL_EXPORTER_OTLP_ENDPOINT || undefined,
  };
}
