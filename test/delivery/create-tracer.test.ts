import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  createTracer,
  isEnabled,
  isSpanProcessor,
  type LoadedTracer,
} from '../../src/delivery/create-tracer.ts';
import { VconOtelError } from '../../src/model/error.ts';
import { defineTracer, type TracerModule } from '../../src/model/tracer.ts';
import { emptyVconStore } from '../../src/model/vcon.ts';

const settings = { vcons: emptyVconStore };
const bound = (entry: LoadedTracer) => {
  const tracer = createTracer(entry, settings);
  if (isSpanProcessor(tracer)) throw new Error('expected a tracer');
  return tracer;
};

test('a tracer that takes batches takes single events as well', () => {
  const definition = { create: () => ({ traceBatch: () => undefined, run: () => true }) };
  for (const module of [definition, definition.create()])
    expect(() => createTracer({ name: 'mine', module, options: {} }, settings)).toThrow(
      expect.objectContaining({ code: 'MODULE_INVALID', path: 'tracers.mine.module' }),
    );
});

describe('a definition', () => {
  const definition = defineTracer({
    options: z.strictObject({ path: z.string(), every: z.number().default(5) }),
    create: (options, { name }) => ({ trace: () => `${name} ${options.path} ${options.every}` }),
  });

  test('is made with its options, defaults merged in, and its name', () => {
    const { tracer, options, completion, failClosed } = bound({
      name: 'mine',
      module: definition,
      options: { path: 'p' },
    });
    expect(tracer.trace?.('', 'chain_start', {}, {} as never)).toBe('mine p 5');
    expect(options).toEqual({ path: 'p', every: 5 });
    expect([completion, failClosed]).toEqual([true, false]);
  });

  test('names every wrong option by its path, and quotes no value', () => {
    const options = { every: 'canary', other: 'canary', dlq_vcon_on_error: 'canary' };
    const refused = () => createTracer({ name: 'mine', module: definition, options }, settings);
    expect(refused).toThrow(
      expect.objectContaining({ code: 'OPTIONS_INVALID', path: 'tracers.mine.options.dlq_vcon_on_error' }),
    );
    expect(refused).toThrow(
      /options\.path: is required; .*options\.every: expected number, got string; .*options\.other: unknown option; there are path, every$/,
    );
    expect(refused).not.toThrow(/canary/);
  });

  test("of a check of its own only what the tracer's author wrote for it is told", () => {
    const options = z.strictObject({
      told: z.string().refine(() => false, { error: 'canary', params: { expected: 'an even number' } }),
      untold: z.string().refine((value) => value === '', { error: ({ input }) => String(input) }),
    });
    const module = defineTracer({ options, create: () => ({ trace: () => undefined }) });
    const given = { told: 'canary', untold: 'canary' };
    expect(() => createTracer({ name: 'mine', module, options: given }, settings)).toThrow(
      /^tracers\.mine\.options\.told: expected an even number; tracers\.mine\.options\.untold: is not valid$/,
    );
  });

  test('may be a span processor', () => {
    const processor = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
    expect(createTracer({ name: 'mine', module: { create: () => processor } }, settings)).toBe(processor);
  });

  test('that makes nothing usable is refused', () => {
    const module = { create: () => ({}) } as TracerModule;
    expect(() => createTracer({ name: 'mine', module }, settings)).toThrow(
      'made neither a tracer nor a SpanProcessor',
    );
  });

  test('that throws stops the start, without the words of what it threw', () => {
    const cause = new RangeError('canary');
    const module: TracerModule = {
      create: () => {
        throw cause;
      },
    };
    expect(() => createTracer({ name: 'mine', module }, settings)).toThrow(
      expect.objectContaining({
        code: 'TRACER_FAILED',
        path: 'tracers.mine',
        message: 'tracers.mine: it could not be made: RangeError',
        cause,
      }),
    );
  });

  test('that throws an error of ours is heard as it is', () => {
    const error = new VconOtelError('FILE_UNUSABLE', 'on purpose');
    const module: TracerModule = {
      create: () => {
        throw error;
      },
    };
    expect(() => createTracer({ name: 'mine', module }, settings)).toThrow(error);
  });
});

describe('a definition that breaks the rules', () => {
  test('by an async create is told so, and what it rejects with disturbs nobody', () => {
    const module = { create: async () => Promise.reject(new Error('on purpose')) } as unknown as TracerModule;
    expect(() => createTracer({ name: 'mine', module }, settings)).toThrow(
      expect.objectContaining({
        code: 'MODULE_INVALID',
        message: expect.stringContaining('must not be async'),
      }),
    );
  });

  test('by a schema that throws has its options refused without its message', () => {
    const options = z.string().transform(() => {
      throw new Error('canary');
    });
    const module = { options: z.object({ a: options }), create: () => ({ trace: () => {} }) };
    const refused = () => createTracer({ name: 'mine', module, options: { a: 'x' } }, settings);
    expect(refused).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
    expect(refused).not.toThrow(/canary/);
  });

  test('as a span processor that chains should wait for', () => {
    const processor = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
    const entry = { name: 'mine', module: { create: () => processor }, options: { dlq_vcon_on_error: true } };
    expect(() => createTracer(entry, settings)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});

describe('a module of functions', () => {
  test('has its default options merged under those of the configuration', () => {
    const module = { default_options: { a: 1, b: 1 }, run: () => true };
    expect(bound({ name: 'mine', module, options: { b: 2 } }).options).toEqual({ a: 1, b: 2 });
  });

  test.each([[{}], [{ trace: 'no function' }], [null], ['text']])('%j is refused', (module) => {
    const entry = { name: 'mine', module: module as unknown as TracerModule };
    expect(() => createTracer(entry, settings)).toThrow(expect.objectContaining({ code: 'MODULE_INVALID' }));
  });
});

test('dlq_vcon_on_error is understood for every tracer and shown to it', () => {
  const definition = defineTracer({ options: z.strictObject({}), create: () => ({ trace: () => {} }) });
  expect(bound({ name: 'mine', module: definition, options: { dlq_vcon_on_error: true } })).toMatchObject({
    failClosed: true,
    options: { dlq_vcon_on_error: true },
  });
});

describe('enabled', () => {
  const module = defineTracer({ options: z.strictObject({}), create: () => ({ trace() {} }) });

  test.each([
    [{}, true],
    [{ enabled: true, options: { enabled: true } }, true],
    [{ enabled: false }, false],
    [{ options: { enabled: false } }, false],
    [{ enabled: true, options: { enabled: false } }, false],
  ])('%j: %j', (entry, expected) => expect(isEnabled(entry)).toBe(expected));

  test('is understood for every tracer, and must be true or false', () => {
    expect(bound({ name: 'mine', module, options: { enabled: true } }).options).toEqual({});
    const refused = () => createTracer({ name: 'mine', module, options: { enabled: 'no' } }, settings);
    expect(refused).toThrow('tracers.mine.options.enabled: expected boolean');
  });

  test('is shown to a module of functions, which may have looked at it', () => {
    const functions = { default_options: { enabled: false }, trace() {} };
    expect(bound({ name: 'mine', module: functions, options: { enabled: true } }).options).toEqual({
      enabled: true,
    });
    expect(bound({ name: 'mine', module: functions }).options).toEqual({ enabled: false });
  });
});
