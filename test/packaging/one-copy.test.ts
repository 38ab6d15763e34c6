import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './pack-project.ts';

/** The packages that OpenTelemetry releases together; they move together here too. */
const TRAIN = { stable: '3.1.0', experimental: '0.301.0', api: '1.10.0' };
/** Released apart from the SDK. */
const OWN_PACE = ['@opentelemetry/api', '@opentelemetry/semantic-conventions'];

test('each OpenTelemetry package is installed once', () => {
  const names = installed.map(({ name }) => name);
  expect(names).toContain('@opentelemetry/sdk-trace');
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test('the SDK packages are of one release train', () => {
  const strangers = installed
    .filter(({ name }) => !OWN_PACE.includes(name))
    .filter(({ version }) => version !== TRAIN.stable && version !== TRAIN.experimental);
  expect(strangers).toEqual([]);
  expect(installed).toContainEqual({ name: '@opentelemetry/api', version: TRAIN.api });
});

test('the lock file names no registry', () => {
  const { packages } = readJson<{ packages: Record<string, Record<string, unknown>> }>('package-lock.json');
  const places = Object.entries(packages).filter(([, { funding, ...rest }]) => {
    return 'resolved' in rest || JSON.stringify(rest).includes('://');
  });
  expect(places.map(([path]) => path)).toEqual([]);
});

test('every dependency is pinned exactly', () => {
  const loose = Object.entries({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.devDependencies,
  }).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
  expect(loose).toEqual([]);
});

test('.nvmrc names the Node.js that the project brings', () => {
  expect(readFileSync(join(ROOT, '.nvmrc'), 'utf8').trim()).toBe(manifest.devDependencies.node);
});

test('docs/dependencies.md has one line for each dependency, and for nothing else', () => {
  const lines = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8').matchAll(/^- `([^`]+)` – .+\.$/gm);
  const declared = new Set(
    Object.keys({
      ...manifest.peerDependencies,
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
      ...manifest.devDependencies,
    }),
  );
  expect([...lines].map(([, name]) => name).sort()).toEqual([...declared].sort());
});

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const manifest = readJson<Manifest>('package.json');
const installed = packagesIn(join(ROOT, 'node_modules')).filter(({ name }) =>
  name.startsWith('@opentelemetry/'),
);

/** Every package below a `node_modules`, nested ones too. */
function packagesIn(folder: string): { name: string; version: string }[] {
  return directoriesIn(folder)
    .flatMap((name) =>
      name.startsWith('@') ? directoriesIn(join(folder, name)).map((own) => join(name, own)) : [name],
    )
    .filter((path) => directoryHolds(join(folder, path), 'package.json'))
    .flatMap((path) => {
      const { name, version } = JSON.parse(readFileSync(join(folder, path, 'package.json'), 'utf8'));
      return [{ name, version }, ...packagesIn(join(folder, path, 'node_modules'))];
    });
}

function directoriesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

function directoryHolds(folder: string, name: string): boolean {
  return readdirSync(folder).includes(name);
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as T;
}
