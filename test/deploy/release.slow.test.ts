import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ROOT } from './stack-files.ts';

const FILES = ['docker-compose.yml', 'Dockerfile'];
const DIGEST = `sha256:${'a1'.repeat(32)}`;

/** A copy of what is released, on a machine whose `docker` answers so. */
function released(answer: string): { folder: string; status: number | null; stderr: string } {
  const folder = temporaryFolder();
  for (const name of [...FILES, 'package.json', 'package-lock.json'])
    copyFileSync(join(ROOT, name), join(folder, name));
  mkdirSync(join(folder, 'deploy'));
  cpSync(join(ROOT, 'deploy/release.sh'), join(folder, 'deploy/release.sh'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/docker'), `#!/bin/sh\n${answer}\n`);
  chmodSync(join(folder, 'bin/docker'), 0o755);
  const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
  const { status, stderr } = spawnSync('sh', [join(folder, 'deploy/release.sh')], { env, encoding: 'utf8' });
  return { folder, status, stderr };
}

describe('deploy/release.sh', () => {
  test('writes the digest that a registry gives beside each tag, twice the same', () => {
    const { folder, status, stderr } = released(`echo ${DIGEST}`);
    expect([status, stderr]).toEqual([0, '']);
    const text = FILES.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
    const images = [...text.matchAll(/^ *(?:image: |FROM )(\S+)/gm)].map(([, image = '']) => image);
    const foreign = images.filter((image) => !image.startsWith('vcon-otel'));
    expect(foreign.length).toBeGreaterThan(8);
    for (const image of foreign) expect(image).toMatch(new RegExp(`^[^@]+:[^@]+@${DIGEST}$`));
    execFileSync('sh', [join(folder, 'deploy/release.sh')], {
      env: { PATH: `${join(folder, 'bin')}:${process.env.PATH}` },
    });
    expect(FILES.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')).toBe(text);
  });

  test.each(['exit 1', 'echo', 'echo sha256:short'])(
    'where the registry says nothing (%s), nothing is changed',
    (answer) => {
      const { folder, status, stderr } = released(answer);
      expect(status).toBe(1);
      expect(stderr).toMatch(/registry/);
      for (const name of FILES)
        expect(readFileSync(join(folder, name), 'utf8')).toBe(readFileSync(join(ROOT, name), 'utf8'));
    },
  );
});

test('lists every dependency of the package, and none that only development needs', () => {
  const { folder } = released(`echo ${DIGEST}`);
  const { components } = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8')) as {
    components: { name: string }[];
  };
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const names = components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
  expect(names).not.toContain('vitest');
});
