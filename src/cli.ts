import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { auditCommand } from './cli/audit.ts';
import { auditReceiptsCommand } from './cli/audit-receipts.ts';
import { completionCommands } from './cli/completion.ts';
import { demoCommand, demoTraffic } from './cli/demo.ts';
import { devCommand } from './cli/dev.ts';
import { doctorCommand, doctorOf } from './cli/doctor.ts';
import { endProcess } from './cli/end-process.ts';
import { followCommand } from './cli/follow.ts';
import { completeHelp } from './cli/help.ts';
import { initCommand } from './cli/init.ts';
import { newCommand } from './cli/new.ts';
import { queueCommand } from './cli/queue.ts';
import { readerGone } from './cli/reader-gone.ts';
import { replayCommand } from './cli/replay.ts';
import { schemaCommand } from './cli/schema.ts';
import { serveCommand } from './cli/serve.ts';
import { tapCommand } from './cli/tap.ts';
import type { Terminal } from './cli/terminal.ts';
import { timelineCommand } from './cli/timeline.ts';
import { topCommand } from './cli/top.ts';
import { tryCommand } from './cli/try.ts';
import { validateCommand } from './cli/validate.ts';
import { withJournal } from './cli/with-journal.ts';
import { witnessCommand } from './cli/witness.ts';
import { ConfigError, colourFromEnvironment } from './config/load-config.ts';
import { type TracePage, tracePageFromEnvironment } from './config/trace-page.ts';
import { errorType, stackFrames, VconOtelError } from './model/error.ts';
import { sayFault } from './model/fault.ts';

/**
 * The command line. Exit codes: 0 done, 1 failed or invalid, 2 wrong usage, 130 interrupted; `audit` and `follow` have their own.
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
  const hangup = (told: () => void) => process.on('SIGHUP', told);
  const { columns } = stdout;
  const tracePage = () => tracePageFromEnvironment(stdout);
  const surroundings = { stdout, stderr, colour, columns, tracePage, signal, hangup, readerGone, exit };
  await runCommandLine(argv, surroundings);
  // Whatever still holds the process: a socket of a server that never answers, a module of somebody else's. What was written before
  // has gone to the pipe by then.
  stdout.write('', () => void endProcess());
}

/** What the command line needs of the process that it runs in. */
export interface CommandLineSettings {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: Terminal;
  readonly colour: boolean;
  /** How wide the terminal is, if it is one. */
  readonly columns: number | undefined;
  /** Where the traces of runs can be seen, if text is to lead there. @throws ConfigError if what says so is wrong */
  readonly tracePage: () => TracePage | undefined;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
  /** Has a command told of each SIGHUP, which then does not end the process. */
  readonly hangup: (told: () => void) => void;
  /** Resolves when nobody reads standard output any more. */
  readonly readerGone: () => Promise<void>;
  /** Says with which code the process is to end: 0 unless it is called. */
  readonly exit: (code: number) => void;
}

/** Runs one command to its end. Never rejects. */
export async function runCommandLine(
  argv: readonly string[],
  { stdout, stderr, colour, columns, tracePage, signal, hangup, readerGone, exit }: CommandLineSettings,
): Promise<void> {
  const program = new Command('vcon-otel')
    .description('OpenTelemetry tracing for vCon conservers: chains become spans, spans become tracer calls.')
    .version(version())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'vcon-otel: ')),
    })
    .showHelpAfterError('(vcon-otel --help lists the commands)');
  const commands = [
    demoCommand({ stdout, stderr, colour, columns, signal, exit }),
    timelineCommand({ stdout, stderr, colour, columns, tracePage, withJournal }),
    initCommand({ stdin: process.stdin, stdout, stderr, doctor: doctorOf({ stdout, colour }), exit }),
    devCommand({ stdout, colour, traffic: demoTraffic, signal, exit }),
    schemaCommand({ stdout }),
    newCommand({ stdout }),
    tryCommand({ stdout, exit }),
    validateCommand({ stdout, colour, exit }),
    doctorCommand({ stdout, colour, exit }),
    serveCommand({ stdout, stderr, signal, hangup, exit }),
    queueCommand({ stdout, stderr, withJournal }),
    tapCommand({ stdout, stderr, colour, tracePage, signal, readerGone, withJournal }),
    topCommand({ stdin: process.stdin, stdout, stderr, colour, signal, readerGone }),
    followCommand({ stdout, stderr, colour, tracePage, signal, readerGone, exit }),
    replayCommand({ stdout, stderr, signal, exit, withJournal }),
    auditCommand({ stdout, stderr, version: version(), exit, signal }).addCommand(
      auditReceiptsCommand({ stdout, stderr, exit }),
    ),
    witnessCommand({ stdout, signal }),
  ];
  const [completion, complete] = completionCommands({ stdout, program });
  if (complete) program.addCommand(inherit(complete, program), { hidden: true });
  for (const command of completion ? [...commands, completion] : commands) {
    program.addCommand(inherit(command, program));
    completeHelp(command, command.name());
  }
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) exit(error.exitCode === 0 ? 0 : usageCode(argv));
    else {
      stderr.write(explain(error));
      exit(1);
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

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function signal(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false;
    for (const name of ['SIGINT', 'SIGTERM'] as const)
      process.on(name, () => {
        if (asked) void endProcess(130);
        asked = true;
        resolve(name);
      });
  });
}

function explain(error: unknown): string {
  if (error instanceof ConfigError)
    return `${['vcon-otel: the configuration is not valid', ...error.faults.map((fault) => `  ✗ ${sayFault(fault)}`)].join('\n')}\n`;
  if (error instanceof VconOtelError) return `vcon-otel: ${error.message}\n`;
  // The message may quote what it choked on; the frames alone tell a developer where.
  return `${[`vcon-otel: unexpected error ${errorType(error)}; please report it with these lines`, stackFrames(error)].join('\n')}\n`;
}
