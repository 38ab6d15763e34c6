import { copyFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSdk, type TestSdk } from '../support/sdk.ts';
import { installNode22, npm, packProject, ROOT, run } from './pack-project.ts';
import { type Heard, scriptedCalls } from './scripted-chain.ts';

let folder: string;
let application: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-sdk-2-'));
  application = join(folder, 'application');
  await cp(join(import.meta.dirname, 'sdk-2'), application, { recursive: true });
  await copyFile(join(import.meta.dirname, 'scripted-chain.ts'), join(application, 'scripted-chain.ts'));
  await npm(application, 'install', '--ignore-scripts', '--no-package-lock', '--prefer-offline');
  for (const name of ['own-sdk-2.ts', 'custom-tracer.ts'])
    await copyFile(join(ROOT, 'examples', name), join(application, name));
  const project = await packProject(folder);
  await project.installInto(application);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('the application really is on the older line', async () => {
  const installed = ['api', 'sdk-trace-node', 'sdk-trace-base', 'context-async-hooks'].map(async (name) => {
    const path = join(application, 'node_modules', '@opentelemetry', name, 'package.json');
    const { version }: { version: string } = JSON.parse(await readFile(path, 'utf8'));
    return `${name} ${version}`;
  });
  expect(await Promise.all(installed)).toEqual([
    'api 1.9.0',
    'sdk-trace-node 2.12.0',
    'sdk-trace-base 2.12.0',
    'context-async-hooks 2.12.0',
  ]);
});

test('tracers hear the same calls under SDK 2.12 with api 1.9 as under the SDK of this project', async () => {
  const printed = await run(process.execPath, ['main.js'], { cwd: application, timeout: 900_000 });
  const older: Heard = JSON.parse(printed);
  expect(inShort(older)).toEqual(SCRIPT);
  const events = SCRIPT.flatMap((call) => (call.startsWith('run ') ? [] : call.split(' ')[0]));
  expect(older.recorded.toSorted()).toEqual(events.toSorted());
  expect(older).toMatchObject({ issues: {}, nested: true });
  expect(older).toEqual(await underOwnSdk());
});

test.each(['22', '24'])(
  'README: own-sdk-2.ts runs on Node.js %s, and ends well without a Collector',
  async (major) => {
    const node = major === '22' ? await installNode22(folder) : process.execPath;
    expect(await run(node, ['--version'])).toMatch(new RegExp(`^v${major}\\.`));
    const printed = await run(node, ['own-sdk-2.ts'], { cwd: application, timeout: 900_000 });
    expect(printed.match(/^\w+(?= )/gm)).toEqual([
      'chain_start',
      'link_start',
      'link_complete',
      'chain_complete',
    ]);
  },
);

async function underOwnSdk(): Promise<Heard> {
  let sdk: TestSdk | undefined;
  const heard = await scriptedCalls((processor) => {
    sdk = startSdk([processor]);
  });
  await sdk?.shutdown();
  return heard;
}

function inShort({ calls }: Heard): string[] {
  return calls.map((call) => {
    const [method, first, second, , , index] = call as unknown[];
    return method === 'run' ? `run ${index} ${first}→${second}` : `${second} ${first}`;
  });
}

const SCRIPT = [
  'chain_start V1',
  'run -1 V1→V1',
  'link_start V1',
  'link_complete V1',
  'run 0 V1→V1',
  'link_start V1',
  'link_complete N1',
  'run 1 V1→N1',
  'link_start N1',
  'link_complete N1',
  'run 2 N1→N1',
  'storage_start N1',
  'storage_complete N1',
  'storage_start N1',
  'storage_error N1',
  'chain_complete N1',
  'run 3 V1→N1',
  'chain_start V2',
  'run -1 V2→V2',
  'link_start V2',
  'link_complete V2',
  'run 0 V2→V2',
  'link_start V2',
  'link_complete V2',
  'run 1 V2→V2',
  'chain_complete V2',
  'run 3 V2→V2',
  'chain_start V3',
  'run -1 V3→V3',
  'link_start V3',
  'link_complete V3',
  'run 0 V3→V3',
  'link_start V3',
  'link_error V3',
  'chain_error V3',
];
