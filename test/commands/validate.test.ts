import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { validateCommand } from '../../src/commands/validate.ts';

const CANARY = 'canary-7f3a';

let directory: string;
let file: string;
let exitCode: typeof process.exitCode;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-validate-'));
  file = join(directory, 'config.yml');
  await writeFile(join(directory, 'mine.mjs'), 'export const trace = () => {};');
  await writeFile(join(directory, 'empty.mjs'), 'export const other = 1;');
  await writeFile(join(directory, 'broken.mjs'), `throw new TypeError('${CANARY}');`);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

beforeEach(() => {
  exitCode = process.exitCode;
  process.exitCode = undefined;
});
afterEach(() => {
  process.exitCode = exitCode;
  vi.unstubAllEnvs();
});

interface Outcome {
  readonly output: string;
  readonly code: typeof process.exitCode;
}

async function validate(args: readonly string[], colour = false): Promise<Outcome> {
  let output = '';
  const stdout = { write: (text: string) => (output += text) };
  const command = validateCommand({ stdout, colour });
  await command.parseAsync(args, { from: 'user' });
  return { output, code: process.exitCode };
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
exporters: { prometheus: , otlp: { endpoint: "http://127.0.0.1:4318" }, otlp_file: { path: x } }
`,
  );
  const { output, code } = await validate([file]);
  expect(output).toBe(`✓ tracers.audit
✓ tracers["a b"]
✓ chains.main: 2 links, 1 storage, heard by audit, ["a b"]
✓ chains.open: 1 link, 0 storages, heard by every tracer
✓ chains.quiet: 0 links, 0 storages, heard by no tracer
✓ vcon_store: memory
✓ exporters: otlp, otlp_file, prometheus
✓ journal: sqlite
✓ health: port 4419
${file} is valid
`);
  expect(code).toBeUndefined();
});

it('an invalid file has a cross for every fault, and the exit code 1', async () => {
  await writeFile(file, 'helth:\nchains: { main: { tracers: [mine] } }\n');
  const { output, code } = await validate([file, '--print']);
  expect(output).toBe(`✗ helth: unknown key, did you mean \`health\`?
✗ chains.main.tracers[0]: no such tracer under tracers
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
  expect(output.split('\n').filter((line) => line.includes('tracers.'))).toEqual([
    '✓ tracers.right',
    '✗ tracers.gone.module: there is no such file',
    '✗ tracers.unknown.module: there is no built-in tracer, file or package of this name',
    '✗ tracers.broken.module: the module could not be loaded (TypeError)',
    '✗ tracers.empty.module: it exports neither a definition (defineTracer) nor the functions trace or run',
    '✗ tracers.wrong.options.dlq_vcon_on_error: expected boolean',
    '✗ tracers.wrong.options.log_file: expected string',
    '✗ tracers.wrong.options: unknown option colour',
  ]);
  expect(output).not.toContain(CANARY);
  expect(code).toBe(1);
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
    tracers: {
      t: { module: './mine.mjs', options: { api_key: '[redacted]', where: '[redacted]', level: 2 } },
    },
    chains: {},
    vcon_store: { type: 'redis', url: 'redis://[redacted]@127.0.0.1:6379' },
    receivers: { assembler: { settle: '10s', timeout: '15m', max_runs: 100_000 } },
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
