import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { npm, packProject, ROOT } from './pack-project.ts';

let folder: string;
let application: string;

/** As a newcomer does: an empty folder outside the checkout, the packed file, and copies of the examples. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-installed-'));
  application = join(folder, 'application');
  await mkdir(application);
  await writeFile(join(application, 'package.json'), '{ "private": true, "type": "module" }');
  const project = await packProject(folder);
  await npm(application, 'install', '--prefer-offline', project.path, ...BESIDE);
  await cp(join(ROOT, 'examples'), application, { recursive: true });
  await mkdir(join(folder, 'node-22'));
  await npm(join(folder, 'node-22'), 'install', '--prefer-offline', 'node@22');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** What README says to install beside the package for an SDK of one's own. */
const BESIDE = ['@opentelemetry/sdk-node', '@opentelemetry/exporter-trace-otlp-http'];

const UUID = '019c4d3b-2258-81e2-b569-459ff5ed47c3';

describe.each([
  ['22', () => join(folder, 'node-22/node_modules/.bin/node')],
  ['24', () => process.execPath],
])('installed, on Node.js %s', (major, program) => {
  const node = (...args: string[]) => outcome(program(), args, application);
  const vconOtel = (...args: string[]) =>
    node(join(application, 'node_modules/vcon-otel/bin/vcon-otel.js'), ...args);

  test('that is what runs', async () => {
    expect((await node('--version')).stdout).toMatch(new RegExp(`^v${major}\\.`));
  });

  test('README: start-tracing.ts runs', async () => {
    const { code, stdout } = await node('start-tracing.ts');
    expect([code, events(stdout)]).toEqual([
      0,
      'chain_start link_start link_complete storage_start storage_complete chain_complete',
    ]);
  });

  test('README: own-sdk.ts runs, and ends well without a Collector', async () => {
    const { code, stdout } = await node('own-sdk.ts');
    expect([code, events(stdout)]).toEqual([0, 'chain_start link_start link_complete chain_complete']);
  });

  test("README: a tracer's file far from the package is found and hears", async () => {
    const elsewhere = await mkdtemp(join(folder, 'elsewhere-'));
    await cp(join(ROOT, 'examples/custom-tracer.ts'), join(elsewhere, 'custom-tracer.ts'));
    const file = join(elsewhere, 'vcon-otel.yaml');
    await writeFile(file, 'tracers: { mine: { module: ./custom-tracer.ts } }');
    expect(await vconOtel('validate', file)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('✓ tracers.mine\n'),
    });
  });

  test('every component among the examples is loaded, and its options are right', async () => {
    await writeFile(join(application, 'all.yaml'), EVERY_COMPONENT);
    const { code, stdout } = await vconOtel('validate', 'all.yaml');
    expect(stdout.replace('all.yaml is valid', '')).not.toContain('✗');
    expect(code).toBe(0);
    const named = [...EVERY_COMPONENT.matchAll(/\.\/([\w-]+\.ts)/g)].map(([, name]) => name);
    const others = [
      'own-sdk.ts',
      'own-sdk-2.ts',
      'run-chain-redis.ts',
      'start-tracing.ts',
      'verify-signature.ts',
    ];
    const files = (await readdir(join(ROOT, 'examples'))).filter((name) => /(?<!\.test)\.ts$/.test(name));
    expect([...named, ...others].sort()).toEqual(files.sort());
  });

  test.each(['counting-tracer.test.ts', 'fail-safe-tracer.test.ts', 'retention-tracer.test.ts'])(
    '%s passes',
    async (name) => {
      const { code, stdout } = await node('--test', '--test-reporter=tap', name);
      expect(stdout).toMatch(/^# pass [1-9]/m);
      expect(code).toBe(0);
    },
  );

  test('a new tracer is heard at once, and its test passes', async () => {
    const name = `fresh-${major}`;
    expect(await vconOtel('new', 'tracer', name)).toMatchObject({ code: 0 });
    expect(await vconOtel('try', `${name}.ts`)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('All is well.'),
    });
    expect(await node('--test', `${name}.test.ts`)).toMatchObject({ code: 0 });
  });

  test.each(['vcon-otel.yaml', 'environments.yaml'])('%s is valid', async (name) => {
    expect(await vconOtel('validate', name)).toMatchObject({ code: 0 });
  });

  test('README: the demo runs, and its picture is drawn again', async () => {
    expect(await vconOtel('demo')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Done: 14 vCons'),
    });
    const drawn = await vconOtel('timeline', 'timeline.otlp.jsonl', '--format', 'svg');
    expect(drawn.stdout).toBe(await readFile(join(ROOT, 'docs/timeline.svg'), 'utf8'));
  });
});

const EVERY_COMPONENT = `
tracers:
  async: { module: ./async-tracer.ts, options: { url: "http://127.0.0.1:1", token: t } }
  batch: { module: ./batch-tracer.ts, options: { file: f } }
  caching: { module: ./caching-tracer.ts, options: { directory_url: "http://127.0.0.1:1" } }
  counting: { module: ./counting-tracer.ts }
  custom: { module: ./custom-tracer.ts }
  fail_safe: { module: ./fail-safe-tracer.ts, options: { file: a, fallback: b } }
  retention: { module: ./retention-tracer.ts, options: { directory: e } }
  run: { module: ./run-tracer.ts }
  structured: { module: ./structured-tracer.ts, options: { file: c } }
exporters:
  csv: { module: ./custom-exporter.ts, options: { path: d } }
vcon_store: { module: ./custom-vcon-store.ts, options: { url: "http://127.0.0.1:1", token: t } }
`;

/** The events of what the custom tracer printed. */
function events(stdout: string): string {
  return stdout.replaceAll(` ${UUID}`, '').trim().split('\n').join(' ');
}

function outcome(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      // A test runner of Node.js's own would take itself for a part of this one.
      { cwd, env: { PATH: process.env.PATH, NO_COLOR: '1' }, timeout: 200_000 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
