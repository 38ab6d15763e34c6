import { describe, expect, it } from 'vitest';
import { type ConfigInput, parseConfig } from '../../src/config/load-config.ts';
import { defineTracer } from '../../src/model/tracer.ts';

const definition = defineTracer({ create: () => ({ trace: () => undefined }) });

describe('a configuration given by code', () => {
  it('may have a tracer’s module itself, and keeps it as it is', () => {
    const namespace: unknown = Object.assign(Object.create(null), { default: definition, constructor: 1 });
    const input = { tracers: { a: { module: definition }, b: { module: namespace } } } as ConfigInput;
    const { tracers } = parseConfig(input, {}).config;
    expect(tracers.a?.module).toBe(definition);
    expect(tracers.b?.module).toBe(namespace);
  });

  it('starts relative paths at the working directory', () => {
    expect(parseConfig({}, {}).directory).toBe(process.cwd());
  });

  it('is not searched for variables', () => {
    expect(parseConfig({ service_name: `\${HOME}` }, { HOME: 'x' }).config.service_name).toBe(`\${HOME}`);
  });

  it('may have options that hold themselves', () => {
    const options: Record<string, unknown> = { plain: 1 };
    options.self = options;
    const { config } = parseConfig({ tracers: { t: { module: 'm', options } } }, {});
    expect(config.tracers.t?.options.self).toBe(options);
  });

  it.each<[string, unknown]>([
    ['a list', []],
    ['a string', 'x'],
    ['a number', 1],
  ])('%s is not one', (_, input) => {
    expect(() => parseConfig(input as ConfigInput, {})).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', path: 'configuration' }),
    );
  });

  it.each([null, undefined])('%s means the defaults', (input) => {
    expect(parseConfig(input as unknown as ConfigInput, {}).config.service_name).toBe('conserver');
  });

  it('a name of its own making called __proto__ is refused', () => {
    const input = { tracers: JSON.parse('{"__proto__": {"module": "m"}}') } as ConfigInput;
    expect(() => parseConfig(input, {})).toThrow(
      expect.objectContaining({
        faults: [{ path: 'tracers.__proto__', message: 'this name is not allowed' }],
      }),
    );
  });
});
