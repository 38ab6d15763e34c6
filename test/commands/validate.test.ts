import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { type ValidateSettings, validateCommand } from '../../src/commands/validate.ts';

const CANARY = 'canary-7f3a';

let directory: string;
let file: string;
let exitCode: typeof process.exitCode;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-validate-'));
  file = join(directory, 'config.yml');
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

async function validate(args: readonly string[], settings: Partial<ValidateSettings> = {}): Promise<Outcome> {
  let output = '';
  const stdout = { write: (text: string) => (output += text) };
  const command = validateCommand({ stdout, colour: false, checkTracer: async () => [], ...settings });
  await command.parseAsync(args, { from: 'user' });
  return { output, code: process.exitCode };
}

it('a valid file has a tick for every part, and leaves the exit code alone', async () => {
  await writeFile(
    file,
    `
tracers: { audit: { module: ./audit.ts }, "a b": { module: m } }
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
✓ journal: memory
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

it('a tracer that does not pass its check is a fault, and the others are checked all the same', async () => {
  await writeFile(file, 'tracers: { a: { module: ./a.ts, options: { x: 1 } }, b: { module: b } }');
  const asked: unknown[] = [];
  const { output, code } = await validate([file], {
    checkTracer: async (name, { module, options }, from) => {
      asked.push([name, module, options, from]);
      return name === 'a' ? [{ path: 'tracers.a.module', message: 'cannot be found' }] : [];
    },
  });
  expect(asked).toEqual([
    ['a', './a.ts', { x: 1 }, directory],
    ['b', 'b', {}, directory],
  ]);
  expect(output).toContain('✓ tracers.b\n');
  expect(output).toContain(`✗ tracers.a.module: cannot be found\n${file} has 1 fault\n`);
  expect(code).toBe(1);
});

it('--print shows what is in effect, without its secrets', async () => {
  vi.stubEnv('JLINC_KEY', CANARY);
  vi.stubEnv('OTEL_SERVICE_NAME', 'from-env');
  await writeFile(
    file,
    `
tracers: { t: { module: m, options: { api_key: ${CANARY}, where: "\${JLINC_KEY}", level: 2 } } }
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
    tracers: { t: { module: 'm', options: { api_key: '[redacted]', where: '[redacted]', level: 2 } } },
    chains: {},
    vcon_store: { type: 'redis', url: 'redis://[redacted]@127.0.0.1:6379' },
    exporters: { otlp: { endpoint: 'https://h.example.com/?[redacted]', headers: '[redacted]' } },
    journal: { type: 'memory', capacity: 100_000 },
    health: { host: '127.0.0.1', port: 4419 },
  });
});

it('ticks are green and crosses red where colours are wanted', async () => {
  await writeFile(file, 'tracers: { a: { module: a } }');
  const { output } = await validate([file], {
    colour: true,
    checkTracer: async () => [{ path: 'tracers.a.module', message: 'cannot be found' }],
  });
  expect(output).toContain('\u001b[32m✓\u001b[39m journal');
  expect(output).toContain('\u001b[31m✗\u001b[39m tracers.a.module');
});

it('nothing in a name can steer the terminal', async () => {
  await writeFile(file, '"x\\e[2Jy": 1\nchains: { "a\\nb": }');
  expect((await validate([file])).output).toContain('✗ ["x\\u001b[2Jy"]: unknown key');
  await writeFile(file, 'chains: { "a\\nb": }');
  expect((await validate([file])).output).toContain('✓ chains["a\\nb"]: ');
});
