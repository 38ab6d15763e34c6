import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PackedProject, packProject, ROOT, run } from './pack-project.ts';

let folder: string;
let project: PackedProject;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-package-'));
  project = await packProject(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('the package holds what users run and read, and nothing else', () => {
  expect(project.files).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'README.md',
      'bin/vcon-otel.js',
      'config.schema.json',
      'dist/cli.js',
      'dist/index.d.ts',
      'dist/index.js',
      'integrations/python/vcon_otel_host.py',
      'package.json',
    ]),
  );
  expect(project.files.filter((path) => /^examples\/vcons\/[^/]+\.vcon\.json$/.test(path))).not.toEqual([]);
  expect(project.files.filter((path) => !MAY_BE_PACKED.test(path))).toEqual([]);
});

test('every page in it links to what is there', async () => {
  const pages = project.files.filter((path) => path.endsWith('.md'));
  const dead: string[] = [];
  for (const page of pages) {
    const text = await readFile(join(ROOT, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)<?([^)#>\s]+)/g)) {
      const path = posix.join(posix.dirname(page), target);
      const there = project.files.some(
        (file) => file === path || file.startsWith(`${path.replace(/\/$/, '')}/`),
      );
      if (!there) dead.push(`${page} → ${target}`);
    }
  }
  expect(pages).toContain('docs/custom-tracers.md');
  expect(dead).toEqual([]);
});

test('the library entry needs nothing but @opentelemetry/api and zod', async () => {
  const application = join(folder, 'application');
  const modules = join(application, 'node_modules');
  await mkdir(join(modules, '@opentelemetry'), { recursive: true });
  for (const name of ['@opentelemetry/api', 'zod'])
    await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  await project.installInto(application);
  const exported = await run(
    process.execPath,
    ['--input-type=module', '--eval', "console.log(Object.keys(await import('vcon-otel')).join())"],
    { cwd: application, env: {} },
  );
  expect(exported.trim().split(',')).toEqual(
    expect.arrayContaining(['TracerSpanProcessor', 'defineTracer', 'runChain', 'traceChain']),
  );
});

test('what is installed keeps a database trail, and tests a tracer', async () => {
  const application = join(folder, 'with-dependencies');
  const modules = join(application, 'node_modules');
  const { dependencies, peerDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  await project.installInto(application);
  const script = `
    import { DatabaseSync } from 'node:sqlite';
    import { startTracing, traceChain } from 'vcon-otel';
    import { testTracer } from 'vcon-otel/testing';
    const options = { database: 'audit.db' };
    const tracing = await startTracing({ tracers: { db: { module: 'tracers.db_audit', options } } });
    await traceChain({ name: 'main', links: [] }, 'V', () => {});
    await tracing.shutdown();
    const rows = new DatabaseSync('audit.db').prepare('SELECT event FROM vcon_events').all();
    for (const { run } of testTracer({ trace() {} })) await run();
    console.log(rows.map(({ event }) => event).join());`;
  const printed = await run(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: application,
    env: {},
  });
  expect(printed).toBe('chain_start,chain_complete\n');
});

const MAY_BE_PACKED =
  /^(package\.json|config\.schema\.json|LICENSE|[A-Z]+\.md|bin\/vcon-otel\.js|dist\/.+\.(js|d\.ts)|dist\/page\/assets\/.+\.(html|css|svg)|(docs|examples)\/.+|integrations\/(auditor\/verify_(proof|attestations)|conserver\/vcon_otel(_forwarder)?|python\/vcon_otel_host)\.py)$/;
