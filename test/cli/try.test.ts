import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runInProcess } from './in-process.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-try-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('vcon-otel try', () => {
  test('shows each call of a run, and that the contract is kept', async () => {
    const options = `{ log_file: ${join(folder, 'audit.jsonl')} }`;
    const { code, stdout } = await runInProcess(['try', 'tracers.audit_log', '--options', options]);
    const calls = [...stdout.matchAll(/^trace {2}\S+ (\w+)/gm)].map(([, event]) => event);
    expect(calls).toEqual([
      'chain_start',
      ...['link_start', 'link_complete', 'link_start', 'link_complete', 'link_start', 'link_complete'],
      ...['storage_start', 'storage_start', 'storage_complete', 'storage_error', 'chain_complete'],
    ]);
    expect(stdout).toMatch(/ ✓ it answers all nine events\n/);
    expect(stdout).not.toContain('✗');
    expect(code).toBe(0);
  });

  test('shows the calls of run, before the first link, after each, and at the end', async () => {
    const file = join(folder, 'runs.mjs');
    await writeFile(file, 'export const run = () => true;');
    const { code, stdout } = await runInProcess(['try', file, '--no-contract']);
    expect(
      [...stdout.matchAll(/^run {4}.* \[transcribe, redact, analyze\] (-?\d)$/gm)].map(([, at]) => at),
    ).toEqual([...['-1', '0', '1', '2', '3']]);
    expect(code).toBe(0);
  });

  test('a call that fails is told by its type, once, with exit code 1', async () => {
    const file = join(folder, 'bad.mjs');
    await writeFile(file, "export const trace = () => { throw new RangeError('canary'); };");
    const { code, stdout } = await runInProcess(['try', file, '--no-contract']);
    expect(stdout.match(/✗ failed with RangeError/g)).toHaveLength(1);
    expect(stdout).not.toContain('canary');
    expect(code).toBe(1);
  });

  test('options that are no mapping are wrong usage', async () => {
    const { code, stderr } = await runInProcess(['try', 'tracers.metrics', '--options', '[1]']);
    expect(code).toBe(2);
    expect(stderr).toContain('It is a mapping in YAML or JSON.');
  });
});

describe('vcon-otel new tracer', () => {
  test('writes a typed tracer and its test, and never over what is there', async () => {
    const args = ['new', 'tracer', 'my-tracer', '--out', folder];
    expect(await runInProcess(args)).toMatchObject({ code: 0, stderr: '' });
    const text = await readFile(join(folder, 'my-tracer.ts'), 'utf8');
    expect(text).toContain('defineTracer');
    expect(await readFile(join(folder, 'my-tracer.test.ts'), 'utf8')).toContain("from './my-tracer.ts'");
    expect(await runInProcess(args)).toMatchObject({
      code: 1,
      stderr: `vcon-otel: ${join(folder, 'my-tracer.ts')} is there already; nothing was written\n`,
    });
    expect(await readFile(join(folder, 'my-tracer.ts'), 'utf8')).toBe(text);
  });

  test('in a package as `npm init` makes it, they are ES modules all the same', async () => {
    await writeFile(join(folder, 'package.json'), '{ "type": "commonjs" }');
    const { stdout } = await runInProcess(['new', 'tracer', 'my-tracer', '--out', join(folder, 'inner')]);
    expect(stdout).toContain('module: ./my-tracer.mts');
    const tracer = join(folder, 'inner', 'my-tracer.mts');
    expect(await runInProcess(['try', tracer, '--no-contract'])).toMatchObject({ code: 0 });
  });

  test.each(['../up', 'a b', '1st', ''])('a name such as %j is wrong usage', async (name) => {
    expect(await runInProcess(['new', 'tracer', name, '--out', folder])).toMatchObject({
      code: 2,
      stdout: '',
    });
  });
});
