import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError, type ConfigInput, parseConfig } from '../../src/config/load-config.ts';
import { builtInExporters } from '../../src/exporters/registry.ts';
import { builtInJournals } from '../../src/journal/registry.ts';
import { checkOptions } from '../../src/model/check-options.ts';
import { builtInReceivers } from '../../src/receivers/registry.ts';
import { builtInTracers } from '../../src/tracers/registry.ts';
import { builtInVconStores } from '../../src/vcon-store/registry.ts';

/** What is said of one wrong value, without its path. */
function said(schema: z.ZodType, value: unknown): string | undefined {
  const { faults } = checkOptions(z.strictObject({ key: schema }), { key: value }, 'options');
  expect(faults.map(({ path }) => path)).toEqual(['options.key']);
  return faults[0]?.message;
}

test.each([
  [z.string(), undefined, 'is required'],
  [z.union([z.string(), z.int()]), undefined, 'is required'],
  [z.string(), null, 'expected string, got nothing'],
  [z.record(z.string(), z.string()), [], 'expected mapping, got list'],
  [z.enum(['a', 'b']), 'canary', 'expected one of a, b'],
  [z.literal('a'), 'canary', 'expected a'],
  [z.union([z.boolean(), z.literal('auto'), z.int()]), 'canary', 'expected boolean or auto or number'],
  [z.string().min(1), '', 'must not be empty'],
  [z.string().min(16), 'canary', 'must have at least 16 characters'],
  [z.string().max(3), 'canary', 'must have at most 3 characters'],
  [z.array(z.int()).min(1), [], 'must have at least 1 entries'],
  [z.int().positive(), 0, 'must be more than 0'],
  [z.number().lt(5), 5, 'must be less than 5'],
  [z.int().multipleOf(5), 7, 'must be a multiple of 5'],
  [z.string().regex(/^\d+$/), 'canary', 'must match /^\\d+$/'],
  [z.email(), 'canary', 'expected email'],
  [
    z.string().refine(() => false, { params: { expected: 'an even number' } }),
    'canary',
    'expected an even number',
  ],
  [z.string().refine(() => false, { params: { required: 'a name' } }), 'canary', 'is required: a name'],
  [z.string().refine(() => false, { error: 'canary' }), 'canary', 'is not valid'],
])('%#: %s', (schema, value, message) => {
  expect(said(schema, value)).toBe(message);
});

test('an option that there is not is named, and so are those that there are', () => {
  const schema = z.strictObject({ path: z.string(), every: z.int().default(5) }).transform((given) => given);
  const { faults } = checkOptions(schema, { path: 'x', evry: 1, colour: 'canary' }, 'options');
  expect(faults).toEqual([
    { path: 'options.evry', message: 'unknown key, did you mean `every`?' },
    { path: 'options.colour', message: 'unknown option; there are path, every' },
  ]);
});

describe('whatever is written for an option of ours', () => {
  const WRONG = [null, 'canary: \n', 'x'.repeat(2_000), '', -1, 1.5, 1e9, true, [1], {}, { canary: 1 }];
  const wordy = /^(is required|expected |must |unknown (key|option)|can be reached from other machines, )/;
  const keysOf = (options: z.ZodType | undefined) =>
    Object.keys(
      z.toJSONSchema(options ?? z.strictObject({}), { io: 'input', unrepresentable: 'any' }).properties ?? {},
    );

  test.each([...builtInTracers])('%s says what it expects, and quotes nothing', (_name, { options }) => {
    for (const key of keysOf(options))
      for (const value of WRONG)
        for (const { path, message } of checkOptions(options, { [key]: value }, 'options').faults)
          expect([path, message]).toEqual([path, expect.stringMatching(wordy)]);
  });

  const sections = [
    ...Object.entries(builtInExporters).map(([name, { options }]) => ({
      name,
      options,
      written: (given: object) => ({ exporters: { [name]: given } }),
    })),
    ...Object.entries(builtInReceivers).map(([name, { options }]) => ({
      name,
      options,
      written: (given: object) => ({ receivers: { [name]: given } }),
    })),
    ...Object.entries(builtInVconStores).map(([type, { options }]) => ({
      name: type,
      options,
      written: (given: object) => ({ vcon_store: { type, ...given } }),
    })),
    ...Object.entries(builtInJournals).map(([type, { options }]) => ({
      name: type,
      options,
      written: (given: object) => ({ journal: { type, ...given } }),
    })),
  ];
  test.each(sections)('$name says what it expects, and quotes nothing', ({ options, written }) => {
    for (const key of keysOf(options))
      for (const value of WRONG)
        for (const { path, message } of faultsIn(written({ [key]: value })))
          expect([path, message]).toEqual([path, expect.stringMatching(wordy)]);
  });
});

function faultsIn(config: object) {
  try {
    parseConfig(config as ConfigInput, {});
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}
