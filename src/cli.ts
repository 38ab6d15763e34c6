import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { auditCommand } from './commands/audit.ts';
import { auditReceiptsCommand } from './commands/audit-receipts.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { queueCommand } from './commands/queue.ts';
import { replayCommand } from './commands/replay.ts';
import { serveCommand } from './commands/serve.ts';
import { tapCommand } from './commands/tap.ts';
import { timelineCommand } from './commands/timeline.ts';
import { validateCommand } from './commands/validate.ts';
import { ConfigError, colourFromEnvironment, loadConfig, parseConfig } from './config.ts';
import { errorType, stackFrames, VconOtelError } from './model/error.ts';

/**
 * The command line. Exit codes: 0 done, 1 failed or invalid, 2 wrong usage, 130 interrupted; `audit` has its own.
 */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  const { stdout, stderr } = process;
  let told = false;
  // The command goes on in any case: tracers have still to hear what is left.
  stdout.on('error', (error) => {
    // A reader that has gone away (`| head`) is no failure.
    if (told || errorType(error) === 'EPIPE') return;
    told = true;
    process.exitCode = 1;
    stderr.write(`vcon-otel: standard output cannot be written (${errorType(error)})\n`);
  });
  // There is no place left to tell it.
  stderr.on('error', () => undefined);
  const colour = colourFromEnvironment(stdout);
  const program = new Command('vcon-otel')
    .description('OpenTelemetry tracing for vCon conservers: chains become spans, spans become tracer calls.')
    .version(version())
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'vcon-otel: ')) })
    .showHelpAfterError('(vcon-otel --help lists the commands)');
  const commands = [
    demoCommand({ stdout, stderr, colour, columns: stdout.columns, signal, end }),
    timelineCommand({ stdout, stderr, colour, columns: stdout.columns, journalPath }),
    validateCommand({ stdout, colour }),
    doctorCommand({ stdout, colour, end }),
    serveCommand({ stdout, stderr, signal }),
    queueCommand({ stdout, stderr, journalPath }),
    tapCommand({ stdout, stderr, colour, signal, journalPath }),
    replayCommand({ stdout, stderr, signal, journalPath }),
    auditCommand({ stdout, stderr, version: version(), exit }).addCommand(
      auditReceiptsCommand({ stdout, stderr, exit }),
    ),
  ];
  for (const command of commands) program.addCommand(inherit(command, program));
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : usageCode(argv);
    else {
      stderr.write(explain(error));
      process.exitCode = 1;
    }
  }
}

/** `audit verify` has another meaning for 2. */
function usageCode([, , command]: readonly string[]): number {
  return command === 'audit' ? 3 : 2;
}

function exit(code: number): void {
  process.exitCode = code;
}

/** Ends the process, whatever still holds it. */
function end(code: number): void {
  process.exitCode = code;
  // What was written before has gone to the pipe by then.
  process.stdout.write('', () => process.exit());
}

/** How it reports wrong usage, down to the commands of a command. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const inner of command.commands) inherit(inner, command);
  return command;
}

/** Of the package, in a checkout as in an installation. */
function version(): string {
  const path = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

/**
 * The file of a journal: as a command was told, or as a configuration says, or where `serve` has it by default.
 * @throws ConfigError; VconOtelError `OPTIONS_INVALID` where the configuration's journal is in memory
 */
async function journalPath({
  journal,
  config: file,
}: {
  journal?: string;
  config?: string;
}): Promise<string> {
  if (journal !== undefined) return journal;
  const { config } =
    file === undefined ? parseConfig({ journal: { type: 'sqlite' } }, {}) : await loadConfig(file);
  if (config.journal.type === 'sqlite') return config.journal.path;
  throw new VconOtelError(
    'OPTIONS_INVALID',
    `${file} keeps its journal in memory: only one of type sqlite can be seen from outside`,
    { path: 'journal.type' },
  );
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function signal(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false;
    for (const name of ['SIGINT', 'SIGTERM'] as const)
      process.on(name, () => {
        if (asked) process.exit(130);
        asked = true;
        resolve(name);
      });
  });
}

function explain(error: unknown): string {
  if (error instanceof ConfigError)
    return `${['vcon-otel: the configuration is not valid', ...error.faults.map(({ path, message }) => `  ✗ ${path}: ${message}`)].join('\n')}\n`;
  if (error instanceof VconOtelError) return `vcon-otel: ${error.message}\n`;
  // The message may quote what it choked on; the frames alone tell a developer where.
  return `${[`vcon-otel: unexpected error ${errorType(error)}; please report it with these lines`, stackFrames(error)].join('\n')}\n`;
}
