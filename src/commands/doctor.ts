import { Command, Option } from 'commander';
import { ConfigError, type LoadedConfig, loadConfig } from '../config.ts';
import { type Diagnosis, diagnose } from '../doctor/index.ts';
import { type Finding, fault } from '../model/finding.ts';
import { cleanText, print, safeJson } from '../timeline/index.ts';
import { parseDelay } from './arguments.ts';

/** What the command needs of the process it runs in. */
export interface DoctorSettings {
  /** Gets what was found and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  readonly colour: boolean;
  /** Ends the process: a module or a probe of somebody else's may hold it. */
  readonly end: (code: number) => void;
}

/**
 * `vcon-otel doctor FILE`: looks at everything that a configuration names and says what is wrong with it, and what to do.
 * The exit code is 1 if anything is wrong; what is merely remarkable is not.
 */
export function doctorCommand(settings: DoctorSettings): Command {
  return new Command('doctor')
    .description('look at everything a configuration names and say what is wrong with it')
    .argument('<file>', 'the YAML file')
    .addOption(
      new Option('--timeout <duration>', 'how long each thing may take to answer')
        .argParser(parseDelay)
        .default(5_000, '5s'),
    )
    .option('--json', 'print one JSON document')
    .action((file: string, options: DoctorOptions) => doctor(file, options, settings));
}

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
  const { stdout, colour, end } = settings;
  const read = await readConfig(file);
  const diagnoses = Array.isArray(read) ? read : await diagnose(read, timeout);
  const faults = diagnoses
    .flatMap(({ findings }) => findings)
    .filter(({ state }) => state === 'fault').length;
  await print(stdout, json ? [jsonOf(diagnoses, faults)] : textOf(file, diagnoses, faults, colour));
  end(faults > 0 ? 1 : 0);
}

/** @returns its faults where it is not valid: what it names is then not known */
async function readConfig(file: string): Promise<LoadedConfig | Diagnosis[]> {
  try {
    return await loadConfig(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(({ path, message }) => ({ about: path, findings: [fault(message)] }));
  }
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
