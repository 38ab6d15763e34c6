import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../src/config/load-config.ts';
import { tracersOf } from '../src/service/components.ts';
import { componentFaults } from '../src/service/named-component.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const examples = join(root, 'examples');

let readme: string;
let folder: string;
let collector: Server;
let endpoint: string;
const received: string[] = [];

beforeAll(async () => {
  readme = await readFile(join(root, 'README.md'), 'utf8');
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-readme-'));
  collector = createServer((request, response) => {
    received.push(request.url ?? '');
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{}'));
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((resolve) => collector.close(resolve).closeAllConnections());
  await rm(folder, { recursive: true, force: true });
});

function node(...args: string[]) {
  return run(process.execPath, ['--conditions=vcon-otel-source', ...args], {
    cwd: folder,
    env: {
      ...process.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_METRICS_EXPORTER: 'none',
      NO_COLOR: '1',
    },
    timeout: 60_000,
  });
}

describe('README', () => {
  test('every snippet is a file in examples/, to the letter', async () => {
    const snippets = [...readme.matchAll(/<!-- (\S+) -->\n```ts\n([\s\S]*?)```/g)];
    expect(snippets.length).toBe(3);
    for (const [, file = '', code] of snippets) expect(await readFile(join(root, file), 'utf8')).toBe(code);
  });

  test('the summary is what the demo prints, but for the time it took', async () => {
    const { stdout } = await node(join(root, 'bin/vcon-otel.js'), 'demo');
    const withoutTime = (text: string) => text.replace(/in [\d.]+ s/, 'in … s');
    const from = (text: string) =>
      withoutTime(text.slice(text.indexOf('Done:')).split('```')[0] ?? '').trim();
    expect(from(readme)).toBe(from(stdout));
    expect(stdout).toMatch(/✗ storage\.warehouse .*ERR_SQLITE_ERROR/);
  });

  test.each([
    ['docs/timeline.svg', []],
    ['docs/timeline-narrow.svg', ['--width', '360']],
  ])('its picture %s is what the program draws of examples/timeline.otlp.jsonl', async (picture, width) => {
    const { stdout } = await node(
      join(root, 'bin/vcon-otel.js'),
      ...['timeline', join(examples, 'timeline.otlp.jsonl'), '--format', 'svg', ...width],
    );
    expect(stdout).toBe(await readFile(join(root, picture), 'utf8'));
    expect(readme).toContain(`"${picture}"`);
  });

  test('the run below it is one of the same file', async () => {
    const { stdout } = await node(
      join(root, 'bin/vcon-otel.js'),
      ...['timeline', join(examples, 'timeline.otlp.jsonl'), '--vcon', '6ee51b2d'],
    );
    const run = stdout.split('\n\n').find((text) => text.includes(' screening '));
    expect(readme).toContain(`\`\`\`\n${run}\n\nDone:`);
  });

  test('every file it links to is there', async () => {
    for (const [, target = ''] of readme.matchAll(/\]\((?!http)([^)#]+)\)/g))
      await expect(readFile(join(root, target), 'utf8')).resolves.toBeTypeOf('string');
  });
});

describe('examples', () => {
  test('there is none that is not tested', async () => {
    const files = (await readdir(examples)).filter((name) => /\.(ts|yaml)$/.test(name)).sort();
    expect(files).toEqual([
      // By test/examples.test.ts, but for those that README shows.
      'async-tracer.ts',
      'batch-tracer.ts',
      'caching-tracer.ts',
      'counting-tracer.test.ts',
      'counting-tracer.ts',
      'custom-exporter.ts',
      'custom-tracer.ts',
      'custom-vcon-store.ts',
      'environments.yaml',
      'fail-safe-tracer.test.ts',
      'fail-safe-tracer.ts',
      'own-sdk-2.ts',
      'own-sdk.ts',
      'retention-tracer.test.ts',
      'retention-tracer.ts',
      'run-chain-redis.ts',
      'run-tracer.ts',
      'start-tracing.ts',
      'structured-tracer.ts',
      'vcon-otel.yaml',
      'verify-signature.ts',
    ]);
  });

  const UUID = '019c4d3b-2258-81e2-b569-459ff5ed47c3';

  test('start-tracing.ts calls the custom tracer', async () => {
    const { stdout } = await node(join(examples, 'start-tracing.ts'));
    expect(stdout.trim().split('\n')).toEqual(
      [
        'chain_start',
        'link_start',
        'link_complete',
        'storage_start',
        'storage_complete',
        'chain_complete',
      ].map((event) => `${event} ${UUID}`),
    );
  });

  test('own-sdk.ts calls the custom tracer, keeps a ledger and exports the spans', async () => {
    received.length = 0;
    const { stdout } = await node(join(examples, 'own-sdk.ts'));
    expect(stdout.trim().split('\n')).toEqual(
      ['chain_start', 'link_start', 'link_complete', 'chain_complete'].map((event) => `${event} ${UUID}`),
    );
    expect(received).toEqual(['/v1/traces']);
    const verified = await node(join(root, 'bin/vcon-otel.js'), 'audit', 'verify', 'data/audit', '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({ verdict: 'intact', complete: true, size: 4 });
  });

  test('vcon-otel.yaml is valid, its tracers too', async () => {
    const loaded = await loadConfig(join(examples, 'vcon-otel.yaml'), {});
    for (const tracer of tracersOf(loaded)) expect(await componentFaults(tracer)).toEqual([]);
  });

  test('counting-tracer.ts counts', async () => {
    const { default: counting } = await import('../examples/counting-tracer.ts');
    expect(counting.options?.parse({})).toEqual({ title: 'events' });
    const { stdout } = await node(
      '--input-type=module',
      '--eval',
      `import { startTracing, traceChain } from '${join(root, 'src/index.ts')}';
       import counting from '${join(examples, 'counting-tracer.ts')}';
       const tracing = await startTracing({ tracers: { mine: { module: counting, options: { title: 'seen' } } } });
       for (const uuid of ['V', 'W']) await traceChain({ name: 'main', links: [] }, uuid, () => {});
       await tracing.shutdown();`,
    );
    expect(stdout).toBe('seen: main chain_start 2\nseen: main chain_complete 2\n');
  });
});
