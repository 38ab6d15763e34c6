import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startNode, temporaryFolder } from '../cli/command-line.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What a library needs that is loaded is told under its own name. */
const LISTING = `
  import { registerHooks } from 'node:module';
  const packages = new Set();
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      const [, name] = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(found.url) ?? [];
      if (name) packages.add(name);
      return found;
    },
  });`;

/** The packages that a fresh process has loaded at the end of a script. */
async function loadedBy(script: string): Promise<string[]> {
  const { stdout, stderr } = await startNode(
    [
      '--conditions=vcon-otel-source',
      ...[
        '--input-type=module',
        '--eval',
        `${LISTING}\n${script}\nconsole.log([...packages].sort().join());`,
      ],
    ],
    { cwd: ROOT },
  ).ended;
  expect(stderr).toBe('');
  return stdout.trim().split(',');
}

/** A chain whose events a tracer has heard, by its name or as it was imported. */
function heardBy(entry: string): string {
  return `
    const { TracerProvider } = await import('@opentelemetry/sdk-trace');
    const { trace } = await import('@opentelemetry/api');
    packages.clear();
    const { TracerSpanProcessor, traceChain } = await import('vcon-otel');
    const processor = new TracerSpanProcessor({ tracers: [{ name: 'audit', ${entry} }], drainTimeout: 1_000 });
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [processor] }));
    await traceChain({ name: 'main', links: [] }, 'V', () => {});
    for (;;) {
      const { ok, retried } = processor.stats().tracers.audit;
      if (ok + retried > 0) break;
      await new Promise((pass) => setTimeout(pass, 5));
    }
    await processor.shutdown();`;
}

test('who imports the tracers loads none of their libraries', async () => {
  const imported = "const { compliance } = await import('vcon-otel/tracers');";
  expect(await loadedBy(imported)).toEqual(['@opentelemetry/api', 'zod']);
});

test('compliance needs no library, by name or imported, nor does a trail in SQLite', async () => {
  const { path, remove } = await temporaryFolder();
  const options = (name: string) => `options: { directory: ${JSON.stringify(join(path, name))} }`;
  const ALONE = ['@opentelemetry/api', 'zod'];
  expect(await loadedBy(heardBy(`module: 'tracers.compliance', ${options('by-name')}`))).toEqual(ALONE);
  const imported = `module: (await import('vcon-otel/tracers')).compliance, ${options('imported')}`;
  expect(await loadedBy(heardBy(imported))).toEqual(ALONE);
  const trail = `module: 'tracers.db_audit', options: { database: ${JSON.stringify(join(path, 'trail.db'))} }`;
  expect(await loadedBy(heardBy(trail))).toEqual(ALONE);
  await remove();
});

test('a library is loaded by the tracer that uses it', async () => {
  expect(await loadedBy(heardBy("module: 'tracers.metrics'"))).toContain('hot-shots');
  const refused =
    "module: 'tracers.external_audit', options: { api_url: 'http://127.0.0.1:9/', system_id: 's' }";
  const loaded = await loadedBy(heardBy(refused));
  expect(loaded).toContain('undici');
  expect(loaded).not.toContain('pg');
});
