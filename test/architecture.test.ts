import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, posix, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

/*
 * The picture of DESIGN §3. Each part of src/ (a folder, or a file at the top of it) and the parts it may import,
 * besides itself. Imports point down only, and siblings do not know each other.
 */
const PARTS = [
  'receivers',
  'instrumentation',
  'bridge',
  'journal',
  'ledger',
  'tracers',
  'exporters',
  'vcon-store',
  'outgoing',
  'health',
  'model',
];
const PICTURE: Readonly<Record<string, readonly string[]>> = {
  model: [],
  receivers: ['model'],
  instrumentation: ['model'],
  journal: ['model'],
  bridge: ['journal', 'model'],
  outgoing: ['model'],
  ledger: ['model'],
  tracers: ['ledger', 'outgoing', 'model'],
  exporters: ['model'],
  'vcon-store': ['model'],
  timeline: ['model'],
  demo: ['instrumentation', 'vcon-store', 'model'],
  health: ['model'],
  config: ['bridge', 'model'],
  testing: ['config', 'bridge', 'instrumentation', 'model'],
  service: ['config', ...PARTS],
  doctor: ['service', 'config', ...PARTS],
  commands: ['doctor', 'service', 'config', 'timeline', 'demo', ...PARTS],
  cli: ['commands', 'config', 'model'],
  'start-tracing': ['config', 'service'],
};
/** May import any part, since it only re-exports. */
const PUBLIC_API = 'src/index.ts';

/** What several commands take on their command line. */
const SHARED_BY_COMMANDS = 'src/commands/arguments.ts';

/** What a user registers in an SDK of their own, 2.x or 3.x: at run time it needs @opentelemetry/api, not the SDK. */
const CORE =
  /^src\/(model\/|instrumentation\/|bridge\/|journal\/(journal|memory)\.ts|exporters\/span-metrics\.ts)/;
const API = '@opentelemetry/api';
const SDK = '@opentelemetry/sdk-trace';
const MAX_LINES = 300;
const SAYS_NOTHING = ['utils', 'helpers', 'common', 'types', 'manager', 'base', 'impl'];

interface Import {
  readonly specifier: string;
  /** Gone after type stripping. `import { type X }` is not: it still loads the module. */
  readonly typeOnly: boolean;
}

interface Source {
  /** From the project's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

type Rule = (source: Source) => string[];

const followsPicture: Rule = ({ path, text }) => {
  if (path === PUBLIC_API) return [];
  const from = partOf(path);
  const allowed = PICTURE[from];
  if (!allowed) return [`${from} is not in the picture: give ${path} a line in PICTURE, or another place`];
  return importsOf(text).flatMap(({ specifier }) => {
    if (!specifier.startsWith('.')) return [];
    const target = posix.join(posix.dirname(path), specifier);
    const to = partOf(target);
    if (target === PUBLIC_API)
      return [`${from} must not import the public API: ${path} imports ${specifier}`];
    if (to === 'commands' && from === to && target !== SHARED_BY_COMMANDS)
      return [`commands must not import each other: ${path} imports ${specifier}`];
    if (to === from || allowed.includes(to)) return [];
    return [`${from} must not import ${to}: ${path} imports ${specifier}`];
  });
};

const declaredOnly: Rule = ({ path, text }) =>
  packagesOf(text)
    .map(({ specifier }) => packageName(specifier))
    .filter((name) => !DECLARED.has(name))
    .map((name) => `${name} is not a dependency and only happens to be installed: ${path} imports it`);

const apiOnly: Rule = ({ path, text }) => {
  if (partOf(path) !== 'instrumentation') return [];
  const others = packagesOf(text).filter(({ specifier }) => specifier !== API);
  return others.map(({ specifier }) => `instrumentation imports ${API} only: ${path} imports ${specifier}`);
};

const sdkTypesOnly: Rule = ({ path, text }) => {
  if (!CORE.test(path)) return [];
  const loaded = packagesOf(text).filter(({ specifier, typeOnly }) => {
    return !typeOnly && specifier.startsWith('@opentelemetry/') && specifier !== API;
  });
  return loaded.map(
    ({ specifier }) => `the core must not load the SDK, use "import type": ${path} imports ${specifier}`,
  );
};

const environment: Rule = ({ path, text }) =>
  partOf(path) !== 'config' && READS_ENVIRONMENT.test(withoutComments(text))
    ? [`only src/config.ts reads the environment: hand ${path} what it needs from there`]
    : [];

const short: Rule = ({ path, text }) => {
  const lines = text.trimEnd().split('\n').length;
  return lines > MAX_LINES ? [`${path} has ${lines} lines: what is its second idea?`] : [];
};

const reExports: Rule = ({ path, text }) => {
  if (basename(path) !== 'index.ts') return [];
  const rest = withoutComments(text).replace(RE_EXPORT, '').trim();
  return rest === '' ? [] : [`an index.ts only re-exports: ${path} has "${rest.split('\n')[0]}"`];
};

const wellNamed: Rule = ({ path }) =>
  path.split('/').flatMap((file) => {
    const name = file.replace(/(\.d)?\.ts$/, '');
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return [`${path}: file names are kebab-case`];
    const word = name.split('-').find((part) => SAYS_NOTHING.includes(part));
    return word ? [`${path}: "${word}" says nothing about what is in it`] : [];
  });

const silencesNothing: Rule = ({ path, text }) => {
  const silencers: string[] = text.match(/@ts-(?:ignore|nocheck|expect-error)|biome-ignore/g) ?? [];
  if (USES_ANY.test(text.replace(STRING_OR_COMMENT, "''"))) silencers.push('any');
  return silencers.map((silencer) => `${path} silences a check with ${silencer}: mend what is wrong there`);
};

const RULES: Readonly<Record<string, Rule>> = {
  'imports follow the picture': followsPicture,
  'only packages that package.json lists are imported': declaredOnly,
  'instrumentation imports @opentelemetry/api only': apiOnly,
  'the core knows the SDK by its types only': sdkTypesOnly,
  'the environment is read in config alone': environment,
  [`no file is longer than ${MAX_LINES} lines`]: short,
  'index.ts files only re-export': reExports,
  'file names are kebab-case and say what is inside': wellNamed,
  'no check is silenced and nothing is any': silencesNothing,
};

const ROOT = join(import.meta.dirname, '..');
const DECLARED = declaredPackages();
const SOURCES = readSources();

describe('src', () => {
  for (const [fact, rule] of Object.entries(RULES))
    test(fact, () => {
      expect(SOURCES.length).toBeGreaterThan(0);
      expect(SOURCES.flatMap(rule)).toEqual([]);
    });
});

describe('each rule finds what breaks it', () => {
  const broken: readonly (readonly [rule: Rule, path: string, text: string, message: string])[] = [
    [
      followsPicture,
      'src/bridge/x.ts',
      "import { y } from '../exporters/y.ts';",
      'bridge must not import exporters: src/bridge/x.ts imports ../exporters/y.ts',
    ],
    [followsPicture, 'src/model/x.ts', "export * from '../config.ts';", 'model must not import config'],
    [followsPicture, 'src/cli.ts', "import type S from './service.ts';", 'cli must not import service'],
    [followsPicture, 'src/tracers/x.ts', "import('../journal/y.ts')", 'tracers must not import journal'],
    [followsPicture, 'src/commands/x.ts', "import './y.ts';", 'commands must not import each other'],
    [followsPicture, 'src/config/x.ts', "import '../index.ts';", 'config must not import the public API'],
    [followsPicture, 'src/parts/x.ts', '', 'parts is not in the picture'],
    [declaredOnly, 'src/x.ts', "import y from 'left/pad';", 'left is not a dependency'],
    [apiOnly, 'src/instrumentation/x.ts', "import type { Y } from 'zod';", 'instrumentation imports'],
    [sdkTypesOnly, 'src/bridge/x.ts', `import {\n  type Y,\n} from '${SDK}';`, 'use "import type"'],
    [environment, 'src/cli.ts', 'const { env } = process;', 'only src/config.ts reads'],
    [environment, 'src/x.ts', 'y(process.env.HOME)', 'only src/config.ts reads'],
    [environment, 'src/x.ts', "import { env } from 'node:process';", 'only src/config.ts reads'],
    [short, 'src/x.ts', '\n'.repeat(MAX_LINES).concat('x'), 'src/x.ts has 301 lines'],
    [reExports, 'src/index.ts', "export { x } from './x.ts';\nx();", 'has "x();"'],
    [wellNamed, 'src/spanReader.ts', '', 'file names are kebab-case'],
    [wellNamed, 'src/bridge/span-utils.ts', '', '"utils" says nothing'],
    [silencesNothing, 'src/x.ts', '// @ts-ignore', 'silences a check with @ts-ignore'],
    [silencesNothing, 'src/x.ts', 'const x = y as any;', 'silences a check with any'],
  ];
  for (const [rule, path, text, message] of broken)
    test(`${path}: ${message}`, () =>
      expect(rule({ path, text })).toEqual([expect.stringContaining(message)]));

  test('and finds nothing in words and comments', () => {
    const text = "// any of process.env\n/*\nimport '../config.ts'\n*/\nconst a = 'any';\nPromise.any([]);";
    expect(Object.values(RULES).flatMap((rule) => rule({ path: 'src/model/x.ts', text }))).toEqual([]);
  });
});

/** Every import, re-export and dynamic import of a literal. Biome's formatting is taken for granted. */
function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const found = [...code.matchAll(STATIC_IMPORT), ...code.matchAll(DYNAMIC_IMPORT)];
  return found.map(({ groups = {} }) => ({
    specifier: groups.specifier ?? '',
    typeOnly: groups.type !== undefined,
  }));
}

const READS_ENVIRONMENT =
  /\bprocess\??\.env\b|\{[^{}]*\benv\b[^{}]*\}\s*(?:=\s*process\b(?!\.)|from '(?:node:)?process')/;
const USES_ANY = /(?<![.\w])any\b(?!\s*[:(])/;
const STATIC_IMPORT = /^(?:import|export)\b(?<type> type\b)?(?:[^;'"=(]*?\bfrom)? *'(?<specifier>[^']+)'/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*['"`](?<specifier>[^'"`]+)['"`]/g;
const RE_EXPORT = /^export (?:type )?(?:\*(?: as \w+)?|\{[^}]*\}) from '[^']+';/gm;

function packagesOf(text: string): Import[] {
  return importsOf(text).filter(({ specifier }) => !/^(?:\.|node:)/.test(specifier));
}

/** `@scope/name/deep` and `name/deep` without what lies deep. */
function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The folder below src/ that a file lies in, or the file's own name at the top. */
function partOf(path: string): string {
  return path.split('/')[1]?.replace(/\.ts$/, '') ?? '';
}

/** Comment signs inside strings are none; a quote that is not closed on its line belongs to a regular expression. */
function withoutComments(text: string): string {
  return text.replace(STRING_OR_COMMENT, (found) => (/^\/[/*]/.test(found) ? '' : found));
}

const STRING_OR_COMMENT =
  /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|(?<!\\)\/(?:\*[\s\S]*?\*\/|\/[^\n]*)/g;

function readSources(): Source[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({
      path: posix.join('src', ...dirname(name).split(sep), basename(name)),
      text: readFileSync(join(ROOT, 'src', name), 'utf8'),
    }));
}

function declaredPackages(): ReadonlySet<string> {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return new Set(Object.keys({ ...dependencies, ...peerDependencies }));
}
