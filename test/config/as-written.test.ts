import { expect, test } from 'vitest';
import { asWritten } from '../../src/config/as-written.ts';
import { type ConfigInput, parseConfig } from '../../src/config/load-config.ts';

/** Everything that has a unit, and components of every kind. */
const INPUT = {
  tracers: {
    mine: {
      module: 'm',
      options: { retention: 90_000 },
      delivery: {
        timeout: '1.5s',
        retry: { initial_interval: '500ms', max_interval: '2m', max_elapsed_time: 0 },
        circuit_breaker: { failures: 3, pause: '36h' },
      },
    },
  },
  chains: { main: { timeout: 90 } },
  receivers: {
    http: { max_body: '1MB', header_timeout: '3s' },
    redis_stream: { url: 'redis://h', claim_after: '1h' },
    assembler: { settle: '250ms' },
  },
  exporters: { otlp: { endpoint: 'http://h' }, prometheus: {}, own: { module: './o.ts', options: { a: 1 } } },
  vcon_store: { module: './s.ts' },
  journal: { type: 'sqlite', retention: '7d', max_size: '1.5GiB' },
  admin: { port: 1 },
} satisfies ConfigInput;

test('what is written of a configuration is read in again as the same', () => {
  const { config } = parseConfig(INPUT, {});
  const text = JSON.stringify(asWritten(config));
  expect(parseConfig(JSON.parse(text) as ConfigInput, {}).config).toEqual(config);
  expect(JSON.parse(text)).toMatchObject({
    tracers: {
      mine: {
        options: { retention: 90_000 },
        delivery: {
          timeout: '1500ms',
          retry: { max_interval: '2m', max_elapsed_time: 0 },
          circuit_breaker: { pause: '36h' },
        },
      },
    },
    receivers: { http: { max_body: '1MB', body_timeout: '30s' }, redis_stream: { claim_after: '1h' } },
    journal: { type: 'sqlite', retention: '7d', max_size: '1536MiB' },
  });
});

test('the type comes first', () => {
  const { config } = parseConfig({ journal: { type: 'memory' }, vcon_store: { module: 'm' } }, {});
  const { journal, vcon_store } = asWritten(config) as Record<string, object>;
  for (const section of [journal, vcon_store]) expect(Object.keys(section ?? {})[0]).toBe('type');
});
