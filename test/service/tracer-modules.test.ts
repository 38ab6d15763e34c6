import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadTracerModule, tracerModule } from '../../src/service/tracer-modules.ts';
import auditLog from '../../src/tracers/audit-log.ts';

const FILES: Readonly<Record<string, string>> = {
  'functions.mjs': 'export const default_options = { a: 1 }; export function trace() {}',
  'definition.mjs': 'export default { create: () => ({ trace() {} }) };',
  'typed.mts': 'export const trace = (uuid: string): void => {};',
  'common.cjs': 'module.exports = { trace() {} };',
  'with space.mjs': 'export const run = () => true;',
  'throws.mjs': 'throw new TypeError("canary");',
  'syntax.mjs': 'export const = canary;',
  'imports.mjs': 'import "./not-there.mjs"; export const trace = () => {};',
  'needs.mjs': 'import "no-such-package"; export const trace = () => {};',
  'folder/index.ts': 'export const trace = (uuid: string): void => {};',
  'empty/README.md': '',
  'tracers/my_tracer/index.mjs':
    'export const default_options = { log_file: "x" }; export function trace() {}',
  'tracers/single.ts': 'export const run = (): boolean => true;',
  'node_modules/a-tracer/package.json': '{"name":"a-tracer","type":"module","exports":"./main.js"}',
  'node_modules/a-tracer/main.js': 'export const trace = () => {};',
  'node_modules/@scope/tracer/package.json': '{"name":"@scope/tracer","main":"index.cjs"}',
  'node_modules/@scope/tracer/index.cjs': 'exports.run = () => true;',
};

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-modules-'));
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const load = (module: string) => loadTracerModule('mine', module, directory);

describe('a module is found', () => {
  test('under the name that the conserver has for it', async () => {
    expect(await load('tracers.audit_log')).toBe(auditLog);
  });

  test('where it is handed in by code', async () => {
    const module = { trace() {} };
    expect(await loadTracerModule('mine', module, directory)).toBe(module);
  });

  test.each([
    ['./functions.mjs', 'trace'],
    ['./definition.mjs', 'create'],
    ['./typed.mts', 'trace'],
    ['./common.cjs', 'trace'],
    ['./with space.mjs', 'run'],
    ['./node_modules/../functions.mjs', 'trace'],
    ['./functions', 'trace'],
    ['./folder', 'trace'],
    ['./folder/', 'trace'],
    ['tracers.my_tracer', 'default_options'],
    ['tracers.single', 'run'],
    ['a-tracer', 'trace'],
    ['@scope/tracer', 'run'],
  ])('as %s, from the directory of the configuration', async (module, member) => {
    expect(await load(module)).toHaveProperty(member, expect.anything());
  });

  test('by an absolute path', async () => {
    expect(await load(join(directory, 'functions.mjs'))).toHaveProperty('default_options', { a: 1 });
  });
});

describe('a module is refused', () => {
  test.each([
    './missing.mjs',
    './missing/',
    './',
    '../',
    './empty',
    'no-such-package',
    'tracers.no_such',
    'fs',
    'node:fs',
    'functions.mjs',
  ])('%s: there is none', async (module) => {
    await expect(load(module)).rejects.toMatchObject({
      code: 'MODULE_NOT_FOUND',
      path: 'tracers.mine.module',
      message: expect.stringMatching(/^tracers\.mine\.module: [^\n]+$/),
    });
  });

  test.each(['./throws.mjs', './syntax.mjs', './imports.mjs', './needs.mjs'])(
    '%s: it cannot be loaded, and nothing of its text is told',
    async (module) => {
      await expect(load(module)).rejects.toMatchObject({
        code: 'MODULE_INVALID',
        path: 'tracers.mine.module',
        message: expect.stringMatching(
          /^tracers\.mine\.module: the module could not be loaded \([A-Z]\w+(?:(?!canary).)*\)$/,
        ),
      });
    },
  );

  test('that throws is told by what it threw', async () => {
    await expect(load('./throws.mjs')).rejects.toThrow('could not be loaded (TypeError');
  });

  test.each([
    ['tracers.compliance_logger', 'or did you mean tracers.compliance?'],
    ['compliance', 'or did you mean tracers.compliance?'],
    ['tracers.jlink', 'or did you mean tracers.jlinc?'],
    ['tracers.audit', 'or did you mean tracers.audit_log or tracers.db_audit or tracers.external_audit?'],
    [
      'tracers.my_tracers',
      'or one of tracers.attest, tracers.audit_log, tracers.compliance, tracers.db_audit',
    ],
  ])('%s: what to name instead is said', async (module, advice) => {
    const error = { code: 'MODULE_NOT_FOUND', message: expect.stringContaining(advice) };
    await expect(load(module)).rejects.toMatchObject(error);
    await expect(load(module)).rejects.toThrow('name your file, such as ./my_tracer.ts');
    expect(() => tracerModule('mine', module)).toThrow(expect.objectContaining(error));
  });
});
