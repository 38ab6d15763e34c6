import { describe, expect, it } from 'vitest';
import { type ConfigInput, type Env, type LoadedConfig, parseConfig } from '../../src/config/load-config.ts';
import { type OtlpUrls, otlpUrls } from '../../src/exporters/otlp/urls.ts';

/** What is loaded, and where OTLP goes by it. */
function withEnv(env: Env, input: ConfigInput = {}): LoadedConfig & { readonly otlp: OtlpUrls } {
  const loaded = parseConfig(input, env);
  return { ...loaded, otlp: otlpUrls(loaded.config.exporters.otlp ?? {}) };
}

const OTLP: ConfigInput = {
  exporters: { otlp: { endpoint: 'http://a.example.com:4318', headers: { team: 'x' } } },
};

describe('without variables', () => {
  it('nothing but the configuration is in effect', () => {
    const { otlp, environment } = withEnv({ OTEL_UNKNOWN: 'x', PATH: '/' });
    expect(otlp).toEqual({});
    expect(environment).toEqual({ disabled: false, batch: {}, variables: [] });
  });

  it('an endpoint serves both signals', () => {
    expect(withEnv({}, OTLP).otlp).toEqual({
      traces: 'http://a.example.com:4318/v1/traces',
      metrics: 'http://a.example.com:4318/v1/metrics',
    });
  });
});

describe('variables win', () => {
  it('over the service’s name and the log level', () => {
    const env = { OTEL_SERVICE_NAME: ' env ', OTEL_LOG_LEVEL: 'DEBUG' };
    const { config, environment } = withEnv(env, { service_name: 'file', log_level: 'warn' });
    expect(config).toMatchObject({ service_name: 'env', log_level: 'debug' });
    expect(environment.variables).toEqual(['OTEL_SERVICE_NAME', 'OTEL_LOG_LEVEL']);
  });

  it('an empty one does not', () => {
    expect(withEnv({ OTEL_SERVICE_NAME: ' ' }, { service_name: 'file' }).config.service_name).toBe('file');
  });

  it.each([
    ['all', 'trace'],
    ['VERBOSE', 'trace'],
    ['Info', 'info'],
    ['WARN', 'warn'],
    ['error', 'error'],
    ['none', 'error'],
  ])('the level %s is our %s', (value, expected) => {
    expect(withEnv({ OTEL_LOG_LEVEL: value }).config.log_level).toBe(expected);
  });

  it('an endpoint replaces the file’s and keeps its headers', () => {
    const { config, otlp } = withEnv(
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://b.example.com/otlp/?tenant=1' },
      OTLP,
    );
    expect(config.exporters.otlp).toEqual({
      endpoint: 'https://b.example.com/otlp/?tenant=1',
      headers: { team: 'x' },
    });
    expect(otlp).toEqual({
      traces: 'https://b.example.com/otlp/v1/traces?tenant=1',
      metrics: 'https://b.example.com/otlp/v1/metrics?tenant=1',
    });
  });

  it('an endpoint switches the exporter on', () => {
    const { config } = withEnv({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://b.example.com/otlp' });
    expect(config.exporters).toEqual({ otlp: { endpoint: 'http://b.example.com/otlp' } });
  });

  it('a signal’s endpoint is taken as it is, for that signal', () => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t.example.com/here' };
    expect(withEnv(env).otlp).toEqual({ traces: 'http://t.example.com/here' });
    expect(withEnv(env, OTLP).otlp).toEqual({
      traces: 'http://t.example.com/here',
      metrics: 'http://a.example.com:4318/v1/metrics',
    });
    expect(withEnv({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://m.example.com' }).otlp).toEqual({
      metrics: 'http://m.example.com',
    });
  });

  it.each([
    ['always_on', undefined, { root: 'always_on', parentBased: false }],
    ['always_off', 'ignored', { root: 'always_off', parentBased: false }],
    ['parentbased_always_on', undefined, { root: 'always_on', parentBased: true }],
    ['parentbased_always_off', undefined, { root: 'always_off', parentBased: true }],
    ['traceidratio', '0.25', { root: 'traceidratio', ratio: 0.25, parentBased: false }],
    ['parentbased_traceidratio', '0', { root: 'traceidratio', ratio: 0, parentBased: true }],
    ['traceidratio', undefined, { root: 'traceidratio', ratio: 1, parentBased: false }],
  ])('the sampler %s with argument %s', (name, argument, expected) => {
    const { sampler } = withEnv({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument }).environment;
    expect(sampler).toEqual(expected);
  });

  it('batches, the interval and the switch', () => {
    const { environment } = withEnv({
      OTEL_BSP_MAX_QUEUE_SIZE: '10000',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '100',
      OTEL_BSP_SCHEDULE_DELAY: '250',
      OTEL_BSP_EXPORT_TIMEOUT: '5000',
      OTEL_METRIC_EXPORT_INTERVAL: '1000',
      OTEL_SDK_DISABLED: 'TRUE',
    });
    expect(environment).toMatchObject({
      disabled: true,
      batch: {
        maxQueueSize: 10_000,
        maxExportBatchSize: 100,
        scheduledDelayMillis: 250,
        exportTimeoutMillis: 5000,
      },
      metricExportIntervalMillis: 1000,
    });
  });

  it.each(['http/json', 'http/protobuf'])('the protocol %s is fine', (value) => {
    expect(() =>
      withEnv({ OTEL_EXPORTER_OTLP_PROTOCOL: value, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: value }),
    ).not.toThrow();
  });
});

describe('a bad variable is a fault', () => {
  const whole = 'expected a whole number from 1 to 2147483647';
  const overHttp = 'expected http/json or http/protobuf: OTLP is exported over HTTP only';
  it.each<[Record<string, string>, string]>([
    [{ OTEL_LOG_LEVEL: 'loud' }, 'expected one of all, verbose, debug, info, warn, error, none'],
    [{ OTEL_LOG_LEVEL: 'constructor' }, 'expected one of all, verbose, debug, info, warn, error, none'],
    [{ OTEL_SDK_DISABLED: 'yes' }, 'expected true or false'],
    [{ OTEL_BSP_MAX_QUEUE_SIZE: '0' }, whole],
    [{ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1.5' }, whole],
    [{ OTEL_BSP_SCHEDULE_DELAY: '-1' }, whole],
    [{ OTEL_BSP_EXPORT_TIMEOUT: 'soon' }, whole],
    [{ OTEL_METRIC_EXPORT_INTERVAL: '99999999999' }, whole],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, overHttp],
    [{ OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc' }, overHttp],
    [{ OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'grpc' }, overHttp],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' }, 'expected an http:// or https:// URL'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'nowhere' }, 'expected an http:// or https:// URL'],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'ftp://h' }, 'expected an http:// or https:// URL'],
    [
      { OTEL_TRACES_SAMPLER: 'xray' },
      'expected one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio',
    ],
  ])('%j', (env, message) => {
    expect(() => withEnv(env)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', faults: [{ path: Object.keys(env)[0], message }] }),
    );
  });

  it.each(['2', '-0.1', 'half', 'NaN'])('a ratio of %s', (argument) => {
    expect(() => withEnv({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: argument })).toThrow(
      expect.objectContaining({
        faults: [{ path: 'OTEL_TRACES_SAMPLER_ARG', message: 'expected a number from 0 to 1' }],
      }),
    );
  });

  it('is told beside the faults of the configuration', () => {
    const input = JSON.parse('{"health": {"port": "x"}}');
    expect(() => withEnv({ OTEL_SDK_DISABLED: 'no', OTEL_BSP_SCHEDULE_DELAY: 'x' }, input)).toThrow(
      expect.objectContaining({
        faults: [
          { path: 'OTEL_SDK_DISABLED', message: 'expected true or false' },
          { path: 'OTEL_BSP_SCHEDULE_DELAY', message: whole },
          { path: 'health.port', message: 'expected number, got string' },
        ],
      }),
    );
  });
});
