import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT, run } from '../packaging/pack-project.ts';

/** Folders of the image, by what comes before their paths: one for each stage. */
let stages: Stage[];
let folder: string;

/** What a stage of the Dockerfile has come to. */
interface Stage {
  readonly root: string;
  workdir: string;
  entrypoint: readonly string[];
  command: readonly string[];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-image-'));
  stages = await build(await readFile(join(ROOT, 'Dockerfile'), 'utf8'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('what the steps of the Dockerfile come to', () => {
  test('serves what it is told to, and is nothing but what it needs', async () => {
    const image = stages.at(-1);
    expect(image?.command).toEqual(['serve', '/etc/vcon-otel/config.yaml']);
    const { dependencies, devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const there = (name: string) =>
      readFile(join(image?.root ?? '', 'app/node_modules', name, 'package.json')).then(
        () => true,
        () => false,
      );
    expect(await Promise.all(Object.keys(dependencies).map(there))).not.toContain(false);
    expect(await Promise.all(['typescript', 'vitest'].map(there))).toEqual([false, false]);
    expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(['typescript', 'vitest']));
  });

  test('runs the demo in its folder of data', async () => {
    const { runs } = JSON.parse(await vconOtel('demo', '--json'));
    expect(runs).toMatchObject({ complete: 33, halted: 3, error: 1 });
  });

  test('has the file that hosts tracers in Python', async () => {
    const host = join(stages.at(-1)?.root ?? '', 'app/integrations/python');
    const ours = join(ROOT, 'integrations/python');
    expect(await run('diff', ['-r', '-x', '__pycache__', ours, host])).toBe('');
  });
});

/** Runs the image's program as its ENTRYPOINT has it. */
function vconOtel(...args: readonly string[]): Promise<string> {
  const { root, workdir, entrypoint } = stages.at(-1) as Stage;
  const [, ...program] = entrypoint.map((part) => (part.startsWith('/') ? join(root, part) : part));
  return run(process.execPath, [...program, ...args], { cwd: join(root, workdir), timeout: LIMIT });
}

/** Does what a Dockerfile says in folders instead of images. What only a container has – users, volumes, ports – is left out. */
async function build(dockerfile: string): Promise<Stage[]> {
  const built: Stage[] = [];
  for (const line of dockerfile.split('\n')) {
    const [, instruction = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (instruction === 'FROM') {
      const root = join(folder, `stage-${built.length}`);
      await mkdir(root);
      built.push({ root, workdir: '/', entrypoint: [], command: [] });
    }
    const stage = built.at(-1);
    if (!stage) continue;
    if (instruction === 'WORKDIR') {
      stage.workdir = rest;
      await mkdir(join(stage.root, rest), { recursive: true });
    } else if (instruction === 'COPY') await copy(rest, stage, built);
    else if (instruction === 'ENTRYPOINT') stage.entrypoint = JSON.parse(rest);
    else if (instruction === 'CMD') stage.command = JSON.parse(rest);
    // Folders and their owners are the container's.
    else if (instruction === 'RUN' && !rest.startsWith('mkdir '))
      await run('sh', ['-ec', rest], {
        cwd: join(stage.root, stage.workdir),
        env: { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) },
        timeout: LIMIT,
      });
  }
  return built;
}

async function copy(what: string, stage: Stage, built: readonly Stage[]): Promise<void> {
  const [, from = '', paths = ''] = /^(?:--from=(\S+) )?(.*)$/.exec(what) ?? [];
  const sources = paths.split(' ');
  const target = sources.pop() ?? '';
  for (const source of sources) {
    const origin = from === '' ? join(ROOT, source) : join(built[0]?.root ?? '', source);
    // Several are put into a folder; one is given a name.
    const place = target.endsWith('/') ? join(target, basename(source)) : target;
    await cp(origin, join(stage.root, stage.workdir, place), { recursive: true, verbatimSymlinks: true });
  }
}

/** Milliseconds; a registry can be slow. */
const LIMIT = 900_000;
