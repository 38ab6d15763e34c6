import { expect, test } from 'vitest';
import { configChanges, parseConfig } from '../../src/config/load-config.ts';

const trace = () => {};
const changes = (before: object, after: object) =>
  configChanges(parseConfig(before, {}).config, parseConfig(after, {}).config);

test('what differs is named by its key; what was added or removed as a whole, once', () => {
  expect(
    changes(
      {
        log_level: 'warn',
        tracers: { old: { module: 'tracers.metrics' }, same: { module: { trace } } },
        chains: { main: { links: ['a'] } },
        receivers: { http: { token: 'one' } },
      },
      {
        tracers: { new: { module: 'tracers.metrics' }, same: { module: { trace } } },
        chains: { main: { links: ['a', 'b'], tracers: ['new'] } },
        receivers: { http: { token: 'two' } },
      },
    ),
  ).toEqual([
    { path: 'log_level', is: 'changed' },
    { path: 'tracers.old', is: 'removed' },
    { path: 'tracers.new', is: 'added' },
    { path: 'chains.main.links', is: 'changed' },
    { path: 'chains.main.tracers', is: 'added' },
    { path: 'receivers.http.token', is: 'changed' },
  ]);
});

test('nothing differs where nothing has changed', () => {
  const config = { chains: { main: { links: ['a'] } }, exporters: { prometheus: {} } };
  expect(changes(config, config)).toEqual([]);
});
