import { Command, Option } from 'commander';
import { ConfigError, type ConfigReading, type LoadedConfig, readConfig } from '../config/load-config.ts';
import { type Finding, problem } from '../model/finding.ts';
import { configFaults } from '../service/config-faults.ts';
import { parseDelay } from './arguments.ts';
import { type Diagnosis, diagnose } from './doctor/index.ts';
import { cleanText, print, safeJson } from './timeline/index.ts';

/** What the command needs of the process it runs in. */
export interface DoctorSettings {
  /** Gets what was found and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  readonly colour: boolean;
  /** Sets the exit code of the process. */
  readonly exit: (code: number) => void;
}

/**
 * `vcon-otel doctor FILE`: looks at everything that a configuration names and says what is wrong with it, and what to do.
 * The exit code is 1 if anything is wrong; what is merely remarkable is not.
 */
export function doctorCommand(settings: DoctorSettings): Command {
  return new Command('doctor')
    .description('check everything that a configuration names and say what is wrong')
    .argument('<file>', 'the YAML file')
    .addOption(
      new Option('--timeout <duration>', 'how long each check may take')
        .argParser(parseDelay)
        .default(DEFAULT_TIMEOUT, '5s'),
    )
    .option('--json', 'print one JSON document')
    .action((file: string, options: DoctorOptions) => doctor(file, options, settings));
}

/** What `doctor` says of a file, for another command, whose exit code is its own. */
export function doctorOf(settings: Omit<DoctorSettings, 'exit'>): (file: string) => Promise<void> {
  return (file) => doctor(file, { timeout: DEFAULT_TIMEOUT }, { ...settings, exit: () => undefined });
}

/** Milliseconds. */
const DEFAULT_TIMEOUT = 5_000;

interface DoctorOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly json?: true;
}

async function doctor(
  file: string,
  { timeout, json }: DoctorOptions,
  settings: DoctorSettings,
): Promise<void> {
  const { stdout, colour, exit } = settings;
  const read = await soundConfig(file);
  const diagnoses = Array.isArray(read) ? read : await diagnose(read, file, timeout);
  const faults = diagnoses
    .flatMap(({ findings }) => findings)
    .filter(({ state }) => state === 'fault').length;
  await print(stdout, json ? [jsonOf(diagnoses, faults)] : textOf(file, diagnoses, faults, colour));
  if (faults > 0) exit(1);
}

/** @returns its faults where it is not valid: what it names is then not known */
async function soundConfig(file: string): Promise<LoadedConfig | Diagnosis[]> {
  const reading = await readConfig(file).catch((error): ConfigReading => {
    if (error instanceof ConfigError) return { loaded: undefined, faults: error.faults };
    throw error;
  });
  const { loaded, faults } = reading;
  // What is wrong with a module is told beside what else is found of it.
  if (loaded && faults.length === 0) return loaded;
  return (await configFaults(reading)).map(({ path, message, place }) => ({
    about: path,
    findings: [problem(place === undefined ? message : `${message} (${place})`)],
  }));
}

function jsonOf(diagnoses: readonly Diagnosis[], faults: number): string {
  const findings = diagnoses.flatMap(({ about, findings: found }) =>
    found.map(({ state, text, advice }) => ({ about, state, text, advice: advice ?? null })),
  );
  return `${safeJson({ ok: faults === 0, findings })}\n`;
}

const SIGNS: Readonly<Record<Finding['state'], { readonly sign: string; readonly code: number }>> = {
  ok: { sign: '✓', code: 32 },
  warning: { sign: '!', code: 33 },
  fault: { sign: '✗', code: 31 },
};

function* textOf(
  file: string,
  diagnoses: readonly Diagnosis[],
  faults: number,
  colour: boolean,
): Generator<string> {
  for (const { about, findings } of diagnoses)
    for (const { state, text, advice } of findings) {
      const { sign, code } = SIGNS[state];
      const painted = colour ? `\u001b[${code}m${sign}\u001b[39m` : sign;
      yield `${painted} ${cleanText(about)}: ${cleanText(text)}\n`;
      if (advice !== undefined) yield `  → ${cleanText(advice)}\n`;
    }
  const wrong = faults === 1 ? '1 thing is wrong' : `${faults} things are wrong`;
  yield faults === 0 ? `${file}: all is well\n` : `${file}: ${wrong}\n`;
}
