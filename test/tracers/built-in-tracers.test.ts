import { expect, test } from 'vitest';
import { builtInTracers } from '../../src/tracers/index.ts';

test('built-in tracers have the names that the conserver gives its modules', () => {
  expect([...builtInTracers.keys()]).toEqual([
    'tracers.audit_log',
    'tracers.compliance',
    'tracers.db_audit',
    'tracers.external_audit',
    'tracers.jlinc',
    'tracers.metrics',
  ]);
});

test.each([...builtInTracers])(
  '%s loads, and refuses an option that it does not have',
  async (_name, load) => {
    const { options, create } = await load();
    expect(create).toBeTypeOf('function');
    const result = options?.safeParse({ no_such_option: 1 });
    expect(result?.error?.issues).toContainEqual(
      expect.objectContaining({ code: 'unrecognized_keys', keys: ['no_such_option'] }),
    );
  },
);

test.each(['constructor', '__proto__', 'toString'])('%s is no tracer', (name) => {
  expect(builtInTracers.get(name)).toBeUndefined();
});
