import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { parse } from 'yaml';
import { errorType } from '../model/error.ts';
import type { Options } from '../model/tracer.ts';
import { loadTracerModule } from '../service/tracer-modules.ts';
import { pythonTracer } from '../tracers/python.ts';
import { showCalls } from './try/shown-calls.ts';

/** What the command needs of the process it runs in. */
export interface TrySettings {
  readonly stdout: { write(text: string): unknown };
  /** Sets the exit code of the process. */
  readonly exit: (code: number) => void;
}

/**
 * `vcon-otel try FILE`: lets a tracer hear a made-up run and shows its calls, then puts it through the contract of tracers. The exit code
 * is 1 if a call or a check fails.
 * @throws VconOtelError from its action: `MODULE_NOT_FOUND`, `MODULE_INVALID`, `OPTIONS_INVALID`, `TRACER_FAILED`
 */
export function tryCommand(settings: TrySettings): Command {
  return new Command('try')
    .description('let a tracer hear a made-up run, and check it against the contract of tracers')
    .argument('<module>', 'its file, or the name that a configuration would have')
    .option('--options <yaml>', 'its options, such as "{ path: ./out.jsonl }"', parseOptions, {})
    .option('--no-contract', 'only the run')
    .option('--python <path>', 'the interpreter of a tracer in Python', 'python3')
    .option('--pythonpath <dir...>', 'where its modules are, beside this folder')
    .action((module: string, options: TryOptions) => tryTracer(module, options, settings));
}

interface TryOptions {
  readonly options: Options;
  readonly contract: boolean;
  readonly python: string;
  readonly pythonpath?: readonly string[];
}

function parseOptions(text: string): Options {
  let options: unknown;
  try {
    options = parse(text);
  } catch {
    throw new InvalidArgumentError('It is a mapping in YAML or JSON.');
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new InvalidArgumentError('It is a mapping in YAML or JSON.');
  return options as Options;
}

async function tryTracer(
  name: string,
  { options, contract, python, pythonpath }: TryOptions,
  { stdout, exit }: TrySettings,
): Promise<void> {
  // A file's name alone is meant as a file, which a configuration would have to say with `./`.
  const isFile = /\.[cm]?[jt]s$/.test(name);
  const hosted = await pythonTracer({ module: name, python, pythonpath, options }, 'module', process.cwd());
  const module = hosted ?? (await loadTracerModule('tried', isFile ? resolve(name) : name, process.cwd()));
  stdout.write(`One run, as ${name} is told of it; what the tracer prints stands between the lines.\n\n`);
  let bad = await showCalls(module, options, (line) => stdout.write(`${line}\n`));
  if (contract) {
    const { testTracer } = await import('../testing/index.ts');
    stdout.write('\nThe contract of tracers (vcon-otel/testing):\n\n');
    const quiet = silence();
    try {
      for (const { name: fact, run } of testTracer(module, { prepare: () => ({ options }) })) {
        const failure = await run().then(
          () => undefined,
          (error: unknown) => error ?? 'nothing',
        );
        if (failure !== undefined) bad++;
        stdout.write(failure === undefined ? `  ✓ ${fact}\n` : `  ✗ ${fact}: ${reason(failure)}\n`);
      }
    } finally {
      quiet();
    }
  }
  stdout.write(bad === 0 ? '\nAll is well.\n' : `\n${bad} did not go well.\n`);
  if (bad > 0) exit(1);
}

/** Of a check of ours, whose messages are ours; whatever else was thrown is told by its type. */
function reason(error: unknown): string {
  const [first = ''] =
    error instanceof Error && error.name === 'AssertionError' ? error.message.split('\n') : [];
  return first || errorType(error);
}

/** Hundreds of calls are made; what a tracer prints at each was seen in the run. @returns what ends it */
function silence(): () => void {
  const names = ['log', 'info', 'debug', 'warn', 'error'] as const;
  const before = names.map((name) => [name, console[name]] as const);
  for (const name of names) console[name] = () => undefined;
  return () => {
    for (const [name, method] of before) console[name] = method;
  };
}
