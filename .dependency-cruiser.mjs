/*
 * The allowed imports of src/ (ARCHITECTURE.md): down only, and siblings do not know each other. `npm run lint` holds it.
 * A folder that stands in no row may import nothing and be imported by nobody: give it a place here first.
 */
const ROWS = [
  ['cli'],
  ['testing'],
  ['service'],
  ['isolation'],
  ['config'],
  ['bridge', 'receivers', 'assembly', 'delivery', 'tracers', 'exporters', 'page'],
  ['journal', 'ledger', 'vcon-store', 'instrumentation', 'admin'],
  ['incoming', 'outgoing', 'persistence'],
  ['model'],
];

/** Folders of src/; the command line has its file at the top. */
const inFolder = (folders) => `^src/((${folders.join('|')})/${folders.includes('cli') ? '|cli[.]ts$' : ''})`;

/** What package.json offers to users: these files only re-export, from anywhere, and nobody here imports them. */
const OFFERED = '^src/(?!cli[.])[^/]+[.]ts$';

const picture = ROWS.flatMap((row, depth) =>
  row.map((folder) => ({
    name: `picture/${folder}`,
    comment: `${folder} imports itself and what stands below it: ${
      ROWS.slice(depth + 1)
        .flat()
        .join(', ') || 'nothing'
    }`,
    severity: 'error',
    from: { path: inFolder([folder]) },
    to: { path: '^src/', pathNot: inFolder([folder, ...ROWS.slice(depth + 1).flat()]) },
  })),
);

/** What somebody may load beside an OpenTelemetry SDK of their own, 2.x or 3.x. */
const CORE = [
  '^src/(model|instrumentation|bridge|delivery|journal|tracers|ledger|outgoing|persistence)/',
  '^src/service/(tracer-(delivery|modules|span-processor)|span-metrics-processor)',
  '^src/exporters/(run-metrics|active-runs|outcome-attributes)[.]ts$',
];

export default {
  forbidden: [
    ...picture,
    {
      name: 'picture',
      comment: 'what has no row has no place; what is offered to users re-exports from anywhere',
      severity: 'error',
      from: { path: '^src/', pathNot: [OFFERED, inFolder(ROWS.flat())] },
      to: { path: '^src/' },
    },
    {
      name: 'no-circle',
      comment: 'files that need each other are one file, or have something in common that is a third',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'journal-by-its-interfaces',
      comment: 'whoever writes to a journal or reads from it knows none of its drivers',
      severity: 'error',
      from: { path: '^src/(bridge|assembly|delivery|receivers)/' },
      to: { path: '^src/journal/', pathNot: '^src/journal/(journal|event-log|consumer|inbox|admin)[.]ts$' },
    },
    {
      name: 'sqlite-is-the-journal’s-own',
      comment:
        'a journal is made by its definition and asked by its interfaces; users are offered the driver',
      severity: 'error',
      from: { path: '^src/', pathNot: [OFFERED, '^src/journal/'] },
      to: { path: '^src/journal/sqlite' },
    },
    {
      name: 'components-are-siblings',
      comment: 'tracers, exporters and vCon stores know nothing of each other; registry.ts lists them',
      severity: 'error',
      from: {
        path: '^src/(tracers|vcon-store)/([^/.]+)',
        pathNot: '/(index|registry)[.]ts$',
      },
      to: { path: '^src/$1/', pathNot: '^src/$1/($2(/|[.]ts$)|built-in-)' },
    },
    {
      name: 'commands-are-siblings',
      comment:
        'what several of them need is in arguments.ts, event-line.ts, operator.ts, terminal.ts or the folders of the timeline and of what is live, or is handed to them',
      severity: 'error',
      from: { path: '^src/cli/([^/.]+)' },
      to: {
        path: '^src/cli/',
        pathNot:
          '^src/cli/($1(/|[.]ts$)|(arguments|event-line|operator|terminal)[.]ts$|(timeline|live)/index[.]ts$)',
      },
    },
    {
      name: 'core-loads-no-sdk',
      comment: 'a second copy of the SDK is of another version: its types only (import type)',
      severity: 'error',
      from: { path: CORE },
      to: {
        path: '^node_modules/@opentelemetry/',
        pathNot: '^node_modules/@opentelemetry/api/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'instrumentation-needs-the-api-only',
      comment: 'an application without any SDK can call it',
      severity: 'error',
      from: { path: '^src/instrumentation/' },
      to: { path: '^node_modules/', pathNot: '^node_modules/@opentelemetry/api/' },
    },
    {
      name: 'declared',
      comment: 'whoever installs the package gets its dependencies, not what happens to be installed here',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer'],
      },
    },
    {
      name: 'resolved',
      comment: 'there is no such file or package',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // TypeScript 7 has no API to parse with.
    parser: 'swc',
    doNotFollow: { path: '^node_modules' },
    // Packages that say only there where their modules are.
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'default'] },
  },
};
