import { expect, test } from 'vitest';
import { checkTracerOptions } from '../../src/delivery/create-tracer.ts';
import type { Options } from '../../src/model/tracer.ts';
import { builtInTracers } from '../../src/tracers/registry.ts';

test('built-in tracers have the names that the conserver gives its modules', () => {
  expect([...builtInTracers.keys()]).toEqual([
    'tracers.attest',
    'tracers.audit_log',
    'tracers.compliance',
    'tracers.db_audit',
    'tracers.external_audit',
    'tracers.jlinc',
    'tracers.metrics',
  ]);
});

test.each([...builtInTracers])('%s refuses an option that it does not have', (_name, { options, create }) => {
  expect(create).toBeTypeOf('function');
  const result = options?.safeParse({ no_such_option: 1 });
  expect(result?.error?.issues).toContainEqual(
    expect.objectContaining({ code: 'unrecognized_keys', keys: ['no_such_option'] }),
  );
});

test.each([...builtInTracers])(
  '%s works with nothing said, or tells what it needs, with an example',
  (name, module) => {
    const needed: Readonly<Record<string, string>> = {
      'tracers.external_audit':
        'tracers.mine.options.api_url: is required, such as https://audit.example.com/events',
    };
    const { faults } = checkTracerOptions({ name: 'mine', module, options: {} });
    expect(faults.map(({ path, message }) => `${path}: ${message}`)).toEqual([needed[name] ?? []].flat());
  },
);

test('an external audit needs its URL alone, and an empty key is none', () => {
  const module = builtInTracers.get('tracers.external_audit');
  if (!module) throw new Error('there is no such tracer');
  const api_url = 'https://audit.example.com/events';
  const check = (options: Options) => checkTracerOptions({ name: 'mine', module, options });
  expect(check({ api_url, api_key: '' })).toMatchObject({
    faults: [],
    options: { api_key: '', system_id: 'vcon-server', timeout: 5_000 },
  });
  expect(check({ api_url, timeout: 5 }).faults).toMatchObject([
    { path: 'tracers.mine.options.timeout', message: expect.stringContaining('add a unit') },
  ]);
});

test.each(['constructor', '__proto__', 'toString'])('%s is no tracer', (name) => {
  expect(builtInTracers.get(name)).toBeUndefined();
});
