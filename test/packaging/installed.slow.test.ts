import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { redisVconStore } from '../../src/vcon-store/index.ts';
import { startServer } from '../outgoing/misbehaving-server.ts';
import { describeWithRedis, sharedRedis } from '../redis-server.ts';
import { describeWith } from '../support/server.ts';
import { missingPrograms } from '../support/terminal.ts';
import { installNode22, npm, packProject, ROOT } from './pack-project.ts';

const VERSIONS = ['22', '24'] as const;
/** What README says to install beside the package for an SDK of one's own. */
const BESIDE = ['@opentelemetry/sdk-node', '@opentelemetry/exporter-trace-otlp-http'];
const UUID = '019c4d3b-2258-81e2-b569-459ff5ed47c3';
const EVENTS = ['chain_start', 'link_start', 'link_complete', 'chain_complete'];

const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-installed-'));
const application = join(folder, 'application');
/** The command, as npm puts it among the programs of a project. */
const COMMAND = join(application, 'node_modules/.bin/vcon-otel');
let node22: string;

/** As a newcomer does: an empty folder outside the checkout, the packed file, and copies of the examples; a folder of these for each Node.js. */
beforeAll(async () => {
  await mkdir(application);
  await writeFile(join(application, 'package.json'), '{ "private": true, "type": "module" }');
  [node22] = await Promise.all([installNode22(folder), installProject()]);
  for (const version of VERSIONS) {
    await cp(join(ROOT, 'examples'), on(version).home, { recursive: true });
    await cp(join(import.meta.dirname, 'installed'), on(version).home, { recursive: true });
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('no example is left out', async () => {
  const scripts = await readdir(join(import.meta.dirname, 'installed'));
  const tests = [
    'installed.slow.test.ts',
    'sdk-2.slow.test.ts',
    ...scripts.map((name) => join('installed', name)),
  ];
  const texts = await Promise.all(tests.map((name) => readFile(join(import.meta.dirname, name), 'utf8')));
  const examples = (await readdir(join(ROOT, 'examples'))).filter((name) => /\.(ts|yaml|jsonl)$/.test(name));
  expect(examples.filter((name) => !texts.join('').includes(name))).toEqual([]);
});

describe('what npm installed', () => {
  test('has one copy of whatever reads protobuf, and of the API', async () => {
    const names = (await installedPackages()).map(({ name }) => name);
    for (const once of ['protobufjs', '@opentelemetry/api'])
      expect(names.filter((name) => name === once)).toHaveLength(1);
  });

  test('has the install scripts that README and docs/dependencies.md name, and no others', async () => {
    const packages = await installedPackages();
    const scripts = packages.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);
    expect(scripts.sort()).toEqual(['protobufjs', 'unix-dgram']);
    for (const page of ['README.md', 'docs/dependencies.md'])
      for (const name of scripts) expect(await readFile(join(ROOT, page), 'utf8')).toContain(`\`${name}\``);
  });
});

describe('without a Collector', () => {
  // Both wait ten seconds for one.
  test.concurrent.each(VERSIONS)('README: own-sdk.ts runs on Node.js %s, and ends well', async (version) => {
    const { node, vconOtel } = on(version);
    expect(await node('own-sdk.ts')).toMatchObject({ code: 0, stdout: printed(EVENTS) });
    const { stdout } = await vconOtel('audit', 'verify', 'data/audit', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'intact', complete: true, size: 4 });
  });
});

describe.each(VERSIONS)('installed, on Node.js %s', (version) => {
  const { home, node, vconOtel, program } = on(version);

  test('that is what runs', async () => {
    expect((await node('--version')).stdout).toMatch(new RegExp(`^v${version}\\.`));
  });

  test('README: start-tracing.ts runs', async () => {
    const [before, after] = [EVENTS.slice(0, 3), EVENTS.slice(3)];
    expect(await node('start-tracing.ts')).toMatchObject({
      code: 0,
      stdout: printed([...before, 'storage_start', 'storage_complete', ...after]),
    });
  });

  test('every component among the examples does what it is for', async () => {
    const service = await startServer((response, { path }) => {
      response.end(path === '/teams/main' ? 'blue' : JSON.stringify({ uuid: UUID, dialog: [{}, {}] }));
    });
    onTestFinished(() => service.close());
    const heard = await mkdtemp(join(folder, 'heard-'));
    const { code, stdout, stderr } = await node('every-component.js', service.url.origin, heard, UUID);
    expect([code, stderr]).toEqual([0, '']);

    const asked = (path: string) => service.received.filter((request) => request.path === path);
    expect(asked('/async').map(({ body }) => JSON.parse(body).event)).toEqual(EVENTS);
    expect(asked('/run').map(({ body }) => JSON.parse(body))).toMatchObject(
      ['start', 'tag', 'end'].map((step) => ({ step, tracerName: 'run', dialogs: 2 })),
    );
    expect(asked('/teams/main')).toHaveLength(1);
    expect(asked(`/vcons/${UUID}`)).not.toHaveLength(0);

    const lines = async (...path: string[]) =>
      (await readFile(join(heard, ...path), 'utf8')).trimEnd().split('\n');
    const records = async (...path: string[]) => (await lines(...path)).map((line) => JSON.parse(line));
    expect((await records('batch')).map(({ stage, phase }) => `${stage}_${phase}`)).toEqual(EVENTS);
    expect((await records('fail-safe')).map(({ event }) => event)).toEqual(EVENTS);
    const days = await Promise.all(
      (await readdir(join(heard, 'retention'))).sort().map((day) => records('retention', day)),
    );
    expect(days.flat().map(({ event }) => event)).toEqual(EVENTS);
    expect((await records('structured')).map(({ event }) => event)).toEqual([
      'link_complete',
      'chain_complete',
    ]);
    expect(await lines('spans')).toEqual([expect.stringMatching(/,ok$/), expect.stringMatching(/,ok$/)]);

    const said = stdout.split('\n');
    for (const event of EVENTS)
      for (const line of [`${event} ${UUID}`, `${event} ${UUID} blue`, `seen: main ${event} 1`])
        expect(said).toContain(line);
  });

  test('verify-signature.ts knows the requests of tracers.external_audit, by their key only', async () => {
    expect(await node('signed-request.js')).toMatchObject({
      code: 0,
      stdout: 'chain_start true false\nchain_complete true false\n',
    });
  });

  describeWithRedis('beside a Redis', () => {
    test('run-chain-redis.ts takes vCons off a list', async () => {
      const redis = await sharedRedis();
      const store = redisVconStore({ url: redis.url });
      onTestFinished(() => store.close());
      const documents = { good: { dialog: [{}] }, empty: { dialog: [] }, bad: { analysis: 'broken' } };
      for (const [uuid, document] of Object.entries(documents)) {
        await store.write(uuid, JSON.stringify({ uuid, ...document }));
        await store.push('default', uuid);
      }
      const ledger = join(folder, `ledger-${version}`);
      expect(
        await execute(program(), ['run-chain-redis.ts'], home, { REDIS_URL: redis.url, LEDGER: ledger }),
      ).toMatchObject({ code: 0, stdout: 'good complete\nempty halted\nbad error, a dead letter\n' });
      const listed = async (name: string) => (await store.pop(name))?.uuid;
      expect([await listed('archived'), await listed('next'), await listed('DLQ:default')]).toEqual([
        ...['good', 'good', 'bad'],
      ]);
      const { stdout } = await vconOtel('audit', 'verify', ledger, '--json');
      expect(JSON.parse(stdout)).toMatchObject({ verdict: 'intact', complete: true });
    });
  });

  test.each(['counting-tracer.test.ts', 'fail-safe-tracer.test.ts', 'retention-tracer.test.ts'])(
    '%s passes',
    async (name) => {
      const { code, stdout } = await node('--test', '--test-reporter=tap', name);
      expect(stdout).toMatch(/^# pass [1-9]/m);
      expect(code).toBe(0);
    },
  );

  test.each(['vcon-otel.yaml', 'environments.yaml'])('%s is valid', async (name) => {
    expect(await vconOtel('validate', name)).toMatchObject({ code: 0 });
  });

  test('README: a new tracer is heard at once, and its test passes', async () => {
    expect(await vconOtel('new', 'tracer', 'my-tracer')).toMatchObject({ code: 0 });
    expect(await vconOtel('try', 'my-tracer.ts')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('All is well.'),
    });
    expect(await node('--test', 'my-tracer.test.ts')).toMatchObject({ code: 0 });
  });

  test('README: a tracer is heard on demo traffic until SIGTERM', async () => {
    const settings = { cwd: home, env: ENVIRONMENT, timeout: HANGS_AFTER };
    const dev = spawn(program(), [COMMAND, 'dev', 'custom-tracer.ts'], settings);
    const ended = once(dev, 'exit');
    let said = '';
    for await (const text of dev.stdout.setEncoding('utf8')) {
      said += text;
      if (!dev.killed && /^chain_complete [\da-f-]{36}$/m.test(said)) dev.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
  });

  test('a tracer in a folder far from the package is heard, with zod among what it imports', async () => {
    const elsewhere = await mkdtemp(join(folder, 'elsewhere-'));
    await cp(join(ROOT, 'examples/counting-tracer.ts'), join(elsewhere, 'counting-tracer.ts'));
    expect(await vconOtel('try', join(elsewhere, 'counting-tracer.ts'), '--no-contract')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('events: main chain_complete 1\n'),
    });
  });

  test('in a package as `npm init` makes it, a new tracer is heard, and one called .ts says what to do', async () => {
    const commonJs = join(home, 'commonjs');
    await mkdir(commonJs);
    await writeFile(join(commonJs, 'package.json'), '{ "type": "commonjs" }');
    await vconOtel('new', 'tracer', 'fresh', '--out', 'commonjs');
    expect(await vconOtel('try', 'commonjs/fresh.mts', '--no-contract')).toMatchObject({ code: 0 });
    expect(await node('--test', 'commonjs/fresh.test.mts')).toMatchObject({ code: 0 });
    await cp(join(commonJs, 'fresh.mts'), join(commonJs, 'misnamed.ts'));
    expect(await vconOtel('try', 'commonjs/misnamed.ts')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"type": "commonjs"; call the file .mts'),
    });
  });

  describeWith('python3', missingPrograms('python3'), 'beside Python', () => {
    test('a tracer as the conserver has them is heard', async () => {
      await writeFile(join(home, 'in_python.py'), 'def trace(vcon_uuid, event, opts):\n    pass\n');
      expect(await vconOtel('try', 'python:in_python', '--no-contract')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('All is well.'),
      });
    });
  });

  test('README: the demo runs, and its picture is drawn again', async () => {
    expect(await vconOtel('demo')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Done: 14 vCons'),
    });
    const { stdout } = await vconOtel('timeline', 'timeline.otlp.jsonl', '--format', 'svg');
    expect(stdout).toBe(await readFile(join(ROOT, 'docs/timeline.svg'), 'utf8'));
  });
});

async function installProject(): Promise<void> {
  const project = await packProject(folder);
  await npm(application, 'install', '--prefer-offline', project.path, ...BESIDE);
}

/** What npm wrote down of each package that it installed, nested ones too. */
async function installedPackages(): Promise<{ name: string; hasInstallScript?: boolean }[]> {
  const lock = JSON.parse(await readFile(join(application, 'package-lock.json'), 'utf8'));
  const packages = Object.entries<{ hasInstallScript?: boolean }>(lock.packages);
  return packages.map(([path, about]) => ({ ...about, name: path.split('node_modules/').at(-1) ?? '' }));
}

/** The folder and the programs of one version of Node.js. */
function on(version: (typeof VERSIONS)[number]) {
  const home = join(application, `node-${version}`);
  const program = () => (version === '22' ? node22 : process.execPath);
  const node = (...args: string[]) => execute(program(), args, home);
  return { home, program, node, vconOtel: (...args: string[]) => node(COMMAND, ...args) };
}

/** A line for each event, as examples/custom-tracer.ts prints it. */
function printed(events: readonly string[]): string {
  return events.map((event) => `${event} ${UUID}\n`).join('');
}

function execute(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { cwd, env: { ...ENVIRONMENT, ...env }, timeout: HANGS_AFTER },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** No more than this: a test runner of Node.js's own would else take itself for a part of the one that runs this. */
const ENVIRONMENT = { PATH: process.env.PATH, NO_COLOR: '1' };

const HANGS_AFTER = 900_000;
