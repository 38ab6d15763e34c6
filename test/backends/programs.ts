import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { COLLECTOR_VERSIONS, manifest, OPTIONAL_COMPONENTS } from './collector-build.ts';
import { command } from './command.ts';

/** A program that was found or built, or why there is none. */
export type Program = { readonly path: string; readonly about: string } | { readonly missing: string };

/** The programs that read the files of the stack. */
export interface Programs {
  /** `without` names components of the stack's file that this Collector does not have. */
  readonly collector: Program & { readonly without: readonly string[] };
  readonly jaeger: Program;
  readonly prometheus: Program;
  readonly promtool: Program;
}

/**
 * Takes each program from the path where it is the one that the stack is made for, else from a cache outside of the
 * repository, else builds it with Go, once. That takes minutes, and says so.
 */
export async function obtainPrograms(): Promise<Programs> {
  return {
    collector: await obtainCollector(),
    jaeger: await obtainJaeger(),
    prometheus: await obtainPrometheus('prometheus'),
    promtool: await obtainPrometheus('promtool'),
  };
}

/** Released from the same commit as Jaeger 2.13.0: later ones are not offered as a Go module. */
const JAEGER = { module: 'github.com/jaegertracing/jaeger', version: 'v1.76.0', known: '2.13.0' };
/** Prometheus 3.13.3, as Go counts. */
const PROMETHEUS = { module: 'github.com/prometheus/prometheus', version: 'v0.313.3', known: '3.13.3' };

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vcon-otel', 'backends');
/** Small and without the paths of this machine. */
const BUILD = ['-trimpath', '-ldflags=-s -w'];

/** A Collector of some components alone. */
export interface SmallCollector {
  /** As it is called in the cache. */
  readonly name: string;
  readonly version: string;
  /** What the Collector's builder takes, which leaves the file `program`. */
  readonly manifest: string;
}

/** A Collector from the cache, if it is there. */
export async function findSmallCollector(small: SmallCollector): Promise<Program> {
  const place = placeOf(small);
  return (await exists(place.path)) ? place : { missing: 'there is no Collector' };
}

/** The same, which is built where it is not there: with Go, in some minutes. */
export async function obtainSmallCollector(small: SmallCollector): Promise<Program> {
  const { path, about } = placeOf(small);
  const failure = await built(path, about, (folder) => buildCollector(folder, small.version, small.manifest));
  return failure === undefined ? { path, about } : { missing: `${about} could not be built: ${failure}` };
}

function placeOf({ name, version }: SmallCollector) {
  return { path: join(CACHE, `${name}-${version}`), about: `OpenTelemetry Collector ${version}` };
}

/** The versions and components of the Collector that may be built, best first. */
const CHOICES = COLLECTOR_VERSIONS.flatMap((version) =>
  [[], OPTIONAL_COMPONENTS].map((without) => ({
    version,
    without,
    path: join(CACHE, ['otelcol', version, ...without.map((name) => `no-${name}`)].join('-')),
    about: `OpenTelemetry Collector ${version}${without.length > 0 ? ` without ${without.join(', ')}` : ''}`,
  })),
);

/** The Collector from the path or the cache, if it is there. */
async function findCollector(): Promise<Programs['collector']> {
  const onPath = await command('otelcol-contrib', ['--version']);
  if (onPath.code === 0)
    return { path: 'otelcol-contrib', about: `${onPath.stdout.trim()}, from the path`, without: [] };
  for (const { path, about, without } of CHOICES) if (await exists(path)) return { path, about, without };
  return { missing: 'there is no Collector', without: [] };
}

/** The Collector, which is built where it is not there: with Go, in some minutes. */
async function obtainCollector(): Promise<Programs['collector']> {
  // What could not be built once is not tried every time: empty the cache for that.
  const found = await findCollector();
  if ('path' in found) return found;
  const failures: string[] = [];
  for (const { version, without, path, about } of CHOICES) {
    const failure = await built(path, about, (folder) =>
      buildCollector(folder, version, manifest(version, without)),
    );
    if (failure === undefined) return { path, about, without };
    console.log(`${about} could not be built: ${failure}`);
    failures.push(about);
  }
  return { missing: `no Collector could be built: neither ${failures.join(' nor ')}`, without: [] };
}

async function buildCollector(folder: string, version: string, content: string): Promise<string | undefined> {
  writeFileSync(join(folder, 'manifest.yaml'), content);
  const builder = `go.opentelemetry.io/collector/cmd/builder@v${version}`;
  return failureOf(
    await command('go', ['run', builder, '--config=manifest.yaml', '--ldflags=-s -w'], { cwd: folder }),
  );
}

async function obtainJaeger(): Promise<Program> {
  const path = join(CACHE, `jaeger-${JAEGER.known}`);
  const about = `Jaeger ${JAEGER.known}`;
  const onPath = await command('jaeger', ['version']);
  if (onPath.code === 0) return { path: 'jaeger', about: 'Jaeger from the path' };
  const failure = await built(path, about, (folder) =>
    buildTool(folder, JAEGER, 'cmd/jaeger', ['-o', 'program']),
  );
  return failure === undefined ? { path, about } : { missing: `${about} could not be built: ${failure}` };
}

/** Debian's is older than the endpoint for OTLP, and than the file that configures it. */
async function obtainPrometheus(name: 'prometheus' | 'promtool'): Promise<Program> {
  const onPath = await command(name, ['--version']);
  const [, major] = /version (\d+)\./.exec(onPath.stdout) ?? [];
  if (Number(major) >= 3) return { path: name, about: `${name} ${major} from the path` };
  const path = join(CACHE, `${name}-${PROMETHEUS.known}`);
  const about = `${name} ${PROMETHEUS.known}`;
  const failure = await built(path, about, (folder) =>
    buildTool(folder, PROMETHEUS, `cmd/${name}`, ['-tags=remove_all_sd,enable_dns_sd', '-o', 'program']),
  );
  return failure === undefined ? { path, about } : { missing: `${about} could not be built: ${failure}` };
}

/** In a module of its own, because `go install` refuses modules that replace others. */
async function buildTool(
  folder: string,
  { module, version }: typeof JAEGER,
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  writeFileSync(join(folder, 'go.mod'), 'module tools\n');
  const steps = [
    ['get', '-tool', `${module}/${program}@${version}`],
    ['build', ...BUILD, ...args, `${module}/${program}`],
  ];
  for (const step of steps) {
    const failure = failureOf(await command('go', step, { cwd: folder }));
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/**
 * Builds what is not in the cache yet.
 * @param build leaves `program` in the folder, or says why it could not
 * @returns why there is none
 */
async function built(
  path: string,
  about: string,
  build: (folder: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  if (await exists(path)) return undefined;
  if ((await command('go', ['version'])).code !== 0) return 'Go is not installed';
  console.log(`Building ${about}: some minutes, once …`);
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-build-'));
  try {
    const failure = await build(folder);
    if (failure !== undefined) return failure;
    mkdirSync(CACHE, { recursive: true });
    // Whoever builds at the same time has made the same.
    const made = join(CACHE, `.${process.pid}`);
    await command('cp', [join(folder, 'program'), made]);
    renameSync(made, path);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function failureOf({ code, stderr }: { code: number | null; stderr: string }): string | undefined {
  if (code === 0) return undefined;
  return stderr.trim().split('\n').slice(-3).join(' ').slice(-400);
}
