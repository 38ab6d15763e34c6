import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { validateCommand } from '../../src/cli/validate.ts';

const CANARY = 'canary-7f3a';

let directory: string;
let file: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-validate-'));
  file = join(directory, 'config.yml');
  await writeFile(join(directory, 'mine.mjs'), 'export const trace = () => {};');
  await writeFile(join(directory, 'empty.mjs'), 'export const other = 1;');
  await writeFile(join(directory, 'broken.mjs'), `throw new TypeError('${CANARY}');`);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

afterEach(() => {
  vi.unstubAllEnvs();
});

interface Outcome {
  readonly output: string;
  readonly code: number | undefined;
}

async function validate(args: readonly string[], colour = false): Promise<Outcome> {
  let output = '';
  const stdout = { write: (text: string) => (output += text) };
  let code: number | undefined;
  const exit = (wanted: number) => {
    code = wanted;
  };
  const command = validateCommand({ stdout, colour, exit });
  await command.parseAsync(args, { from: 'user' });
  return { output, code };
}

it('a valid file has a tick for every part, and leaves the exit code alone', async () => {
  await writeFile(
    file,
    `
tracers: { audit: { module: tracers.audit_log, options: { log_file: x } }, "a b": { module: ./mine.mjs } }
chains:
  main: { links: [a, b], storages: [s], tracers: [audit, "a b"] }
  open: { links: [a] }
  quiet: { tracers: [] }
receivers: { http: , redis_stream: { url: "redis://127.0.0.1" } }
conserver_config: ./conserver.yml
exporters: { prometheus: { host: "0.0.0.0", allow_anonymous: true }, otlp: { endpoint: "http://127.0.0.1:4318" }, otlp_file: { path: x } }
`,
  );
  const { output, code } = await validate([file]);
  expect(output).toBe(`✓ tracers.audit
✓ tracers["a b"]
✓ chains.main: 2 links, 1 storage, heard by audit, ["a b"]
✓ chains.open: 1 link, 0 storages, heard by every tracer
✓ chains.quiet: 0 links, 0 storages, heard by no tracer
✓ vcon_store: redis
✓ conserver_config: ./conserver.yml
✓ receivers: http, redis_stream
✓ exporters: otlp, otlp_file, prometheus
✓ journal: sqlite
✓ health: port 4419
! exporters.prometheus: whoever reaches 0.0.0.0 may come in: no token is asked for (allow_anonymous)
${file} is valid
`);
  expect(code).toBeUndefined();
});

it('an invalid file has a cross for every fault, and the exit code 1', async () => {
  await writeFile(file, 'helth:\nchains: { main: { tracers: [mine] } }\n');
  const { output, code } = await validate([file, '--print']);
  expect(output).toBe(`✗ helth: unknown key, did you mean \`health\`? (line 1, column 1)
✗ chains.main.tracers[0]: no such tracer under tracers (line 2, column 29)
${file} has 2 faults
`);
  expect(code).toBe(1);
});

it('a file that cannot be read is invalid', async () => {
  const nowhere = join(directory, 'nowhere.yml');
  const { output, code } = await validate([nowhere]);
  expect(output).toBe(`✗ ${nowhere}: cannot be read (ENOENT)\n${nowhere} has 1 fault\n`);
  expect(code).toBe(1);
});

it('what is wrong with a tracer is said by its path, and the others are checked all the same', async () => {
  await writeFile(
    file,
    `
tracers:
  gone: { module: ./gone.mjs }
  unknown: { module: tracers.nobody }
  broken: { module: ./broken.mjs }
  empty: { module: ./empty.mjs }
  wrong: { module: tracers.audit_log, options: { log_file: 7, colour: ${CANARY}, dlq_vcon_on_error: maybe } }
  right: { module: ./mine.mjs, options: { anything: 1 } }
`,
  );
  const { output, code } = await validate([file]);
  const lines = output.split('\n').map((line) => line.replace(/ \(line \d+, column \d+\)$/, ''));
  expect(lines.filter((line) => line.includes('tracers.'))).toEqual([
    '✓ tracers.right',
    '✗ tracers.gone.module: there is no such file, nor a folder with an index file',
    expect.stringMatching(
      /^✗ tracers\.unknown\.module: there is no built-in tracer, file or package of this name; name your file/,
    ),
    expect.stringMatching(/^✗ tracers\.broken\.module: the module could not be loaded \(TypeError\b/),
    '✗ tracers.empty.module: it exports neither a definition (defineTracer) nor the functions trace or run',
    '✗ tracers.wrong.options.dlq_vcon_on_error: expected boolean, got string',
    '✗ tracers.wrong.options.log_file: expected string, got number',
    '✗ tracers.wrong.options.colour: unknown option; there are log_file, include_vcon_data, record',
  ]);
  expect(output).not.toContain(CANARY);
  expect(code).toBe(1);
});

it('a fault of structure hides no wrong module, option or variable', async () => {
  await writeFile(
    file,
    `helth:
tracers:
  gone: { module: ./gone.mjs }
  wrong: { module: tracers.audit_log, options: { log_file: 7 } }
  nameless: { modul: x }
chains: { main: { links: no } }
exporters: { otlp: { endpoint: "\${NOT_SET}" }, mine: { module: ./gone-too.mjs } }
`,
  );
  const { output, code } = await validate([file]);
  const paths = output.match(/(?<=^✗ )[^:]+(?=:)/gm)?.toSorted();
  expect(paths).toEqual([
    'chains.main.links',
    'exporters.mine.module',
    'exporters.otlp.endpoint',
    'helth',
    'tracers.gone.module',
    'tracers.nameless.modul',
    'tracers.nameless.module',
    'tracers.wrong.options.log_file',
  ]);
  expect(output.match(/\(line \d+, column \d+\)$/gm)).toHaveLength(8);
  expect(code).toBe(1);
});

it('for how long chains wait is said', async () => {
  const strict = 'module: ./mine.mjs, options: { dlq_vcon_on_error: true }';
  await writeFile(
    file,
    `tracers: { a: { ${strict} }, b: { ${strict}, delivery: { chain_wait: 0 } }, c: { ${strict}, delivery: { chain_wait: 5m } } }`,
  );
  const { output } = await validate([file]);
  expect(output.split('\n').slice(0, 3)).toEqual([
    '✓ tracers.a: chains wait for it at each step, 60 s at most; then the vCon goes to the dead letters, and the event is tried on',
    '✓ tracers.b: chains wait for it at each step, without end (chain_wait: 0)',
    '✓ tracers.c: chains wait for it at each step, 300 s at most; then the vCon goes to the dead letters, and the event is tried on',
  ]);
});

it('who is not enabled is said, and whose enabled changes nothing', async () => {
  await writeFile(
    file,
    `
tracers:
  off: { module: ./not-there.mjs, enabled: false }
  by_option: { module: tracers.metrics, options: { enabled: false, unfinished: true } }
  on: { module: tracers.metrics, enabled: true }
chains: { main: { links: [a], tracers: [off, on], enabled: 0 }, other: { links: [a], enabled: 1 } }
`,
  );
  const { output, code } = await validate([file]);
  expect(output.split('\n').slice(0, 5)).toEqual([
    '✓ tracers.on',
    '✓ tracers.off: not enabled, hears nothing',
    '✓ tracers.by_option: not enabled, hears nothing',
    '✓ chains.main: 1 link, 0 storages, heard by off (not enabled), on; enabled: 0 changes nothing, as in the server',
    '✓ chains.other: 1 link, 0 storages, heard by every tracer',
  ]);
  expect(code).toBeUndefined();
});

it('tracers whose options are all commented out are as the defaults have them', async () => {
  const entry = (name: string) =>
    `  ${name}:\n    module: tracers.${name}\n    options:\n      # something\n`;
  const tracers = ['jlinc', 'compliance', 'metrics', 'audit_log', 'db_audit'].map(entry).join('');
  await writeFile(file, `vcon_store: { type: directory, path: . }\ntracers:\n${tracers}`);
  const { output, code } = await validate([file]);
  expect(output).toContain('✓ tracers.jlinc\n✓ tracers.compliance\n✓ tracers.metrics\n');
  expect(code).toBeUndefined();
});

it('a tracer that looks up documents needs a store that has some', async () => {
  const tracers = `tracers:
  jlinc: { module: tracers.jlinc }
  ledger: { module: tracers.compliance }
  bare: { module: tracers.compliance, options: { include_content_hash: false } }
  log: { module: tracers.audit_log }
  full: { module: tracers.audit_log, options: { include_vcon_data: true } }
`;
  await writeFile(file, tracers);
  const alone = await validate([file]);
  expect(alone.code).toBe(1);
  const needy = ['jlinc', 'ledger', 'full'];
  expect(alone.output.split('\n').filter((line) => line.startsWith('✗'))).toEqual(
    needy.map((name) => expect.stringMatching(`^✗ tracers.${name}: it looks up vCons, .*REDIS_URL`)),
  );
  expect(alone.output).toContain('✓ tracers.bare\n✓ tracers.log\n');
  await writeFile(file, `conserver_config: ./conserver.yml\n${tracers}`);
  expect(await validate([file])).toMatchObject({
    output: expect.stringContaining('✓ vcon_store: redis\n'),
    code: undefined,
  });
});

it('what is right and yet should be known has a line of its own', async () => {
  const options = '{ directory: x, retention_policy: gold, hash_algorithm: md5 }';
  await writeFile(
    file,
    `vcon_store: { type: directory, path: . }\ntracers: { audit: { module: tracers.compliance, options: ${options} } }`,
  );
  const { output, code } = await validate([file]);
  expect(output).toMatch(/^! tracers\.audit: retention_policy is a label that deletes nothing/m);
  expect(output).toMatch(/^! tracers\.audit: hash_algorithm is a broken one/m);
  expect(output).toContain('is valid');
  expect(code).toBeUndefined();
});

it('--print shows what is in effect, without its secrets', async () => {
  vi.stubEnv('JLINC_KEY', CANARY);
  vi.stubEnv('OTEL_SERVICE_NAME', 'from-env');
  await writeFile(
    file,
    `
tracers: { t: { module: ./mine.mjs, options: { api_key: ${CANARY}, where: "\${JLINC_KEY}", level: 2 } } }
vcon_store: { type: redis, url: "redis://u:${CANARY}@127.0.0.1:6379" }
exporters: { otlp: { endpoint: "https://h.example.com/?k=${CANARY}", headers: { team: ${CANARY} } } }
`,
  );
  const { output } = await validate([file, '--print']);
  expect(output).not.toContain(CANARY);
  const [, printed = ''] = output.split('is valid\n\n');
  expect(printed).toContain('# also in effect from the environment: OTEL_SERVICE_NAME\n');
  expect(parse(printed)).toEqual({
    service_name: 'from-env',
    log_level: 'info',
    shutdown_timeout: '25s',
    tracers: {
      t: { module: './mine.mjs', options: { api_key: '[redacted]', where: '[redacted]', level: 2 } },
    },
    chains: {},
    vcon_store: { type: 'redis', url: 'redis://[redacted]@127.0.0.1:6379' },
    receivers: {
      assembler: { settle: '10s', timeout: '15m', max_runs: 100_000, oldest: '31d', ahead: '1h' },
    },
    exporters: { otlp: { endpoint: 'https://h.example.com/?[redacted]', headers: '[redacted]' } },
    journal: {
      type: 'sqlite',
      path: './data/journal.db',
      retention: '1d',
      max_size: '1GiB',
      on_full: 'block',
    },
    health: { host: '127.0.0.1', port: 4419 },
  });
});

it('ticks are green and crosses red where colours are wanted', async () => {
  await writeFile(file, 'tracers: { a: { module: ./gone.mjs } }');
  const { output } = await validate([file], true);
  expect(output).toContain('\u001b[32m✓\u001b[39m journal');
  expect(output).toContain('\u001b[31m✗\u001b[39m tracers.a.module');
});

it('nothing in a name can steer the terminal', async () => {
  await writeFile(file, '"x\\e[2Jy": 1\nchains: { "a\\nb": }');
  expect((await validate([file])).output).toContain('✗ ["x\\u001b[2Jy"]: unknown key');
  await writeFile(file, 'chains: { "a\\nb": }');
  expect((await validate([file])).output).toContain('✓ chains["a\\nb"]: ');
});
