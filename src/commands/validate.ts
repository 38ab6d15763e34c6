import { Command } from 'commander';
import { stringify } from 'yaml';
import {
  type Config,
  ConfigError,
  type Fault,
  formatPath,
  type LoadedConfig,
  loadConfig,
  redactConfig,
} from '../config.ts';
import { checkTracer } from '../service/check-tracer.ts';

/** What code hands to the command. */
export interface ValidateSettings {
  readonly stdout: { write(text: string): unknown };
  readonly colour: boolean;
}

/** `vcon-otel validate FILE`: says what is right and wrong in a configuration. The exit code is 1 if anything is wrong. */
export function validateCommand({ stdout, colour }: ValidateSettings): Command {
  return new Command('validate')
    .description('check a configuration file and say what is wrong where')
    .argument('<file>', 'the YAML file')
    .option('--print', 'print the configuration in effect, without its secrets')
    .action(async (file: string, { print = false }: { print?: boolean }) => {
      const { loaded, good, faults } = await check(file);
      const lines = [
        ...good.map((line) => `${paint(GREEN, '✓', colour)} ${line}`),
        ...faults.map(({ path, message }) => `${paint(RED, '✗', colour)} ${path}: ${message}`),
        faults.length === 0 ? `${file} is valid` : `${file} has ${counted(faults.length, 'fault')}`,
      ];
      stdout.write(`${lines.join('\n')}\n`);
      if (print && loaded) stdout.write(`\n${effective(loaded)}`);
      if (faults.length > 0) process.exitCode = 1;
    });
}

const GREEN = 32;
const RED = 31;

function paint(code: number, text: string, colour: boolean): string {
  return colour ? `\u001b[${code}m${text}\u001b[39m` : text;
}

interface Verdict {
  readonly loaded?: LoadedConfig;
  readonly good: readonly string[];
  readonly faults: readonly Fault[];
}

async function check(file: string): Promise<Verdict> {
  let loaded: LoadedConfig;
  try {
    loaded = await loadConfig(file);
  } catch (error) {
    if (error instanceof ConfigError) return { good: [], faults: error.faults };
    throw error;
  }
  const good: string[] = [];
  const faults: Fault[] = [];
  for (const [name, tracer] of Object.entries(loaded.config.tracers)) {
    const found = await checkTracer(name, tracer, loaded.directory);
    if (found.length === 0) good.push(formatPath(['tracers', name]));
    faults.push(...found);
  }
  return { loaded, good: [...good, ...sections(loaded)], faults };
}

/** A line for each part that the schema alone can judge. */
function sections({ config, otlp }: LoadedConfig): string[] {
  const { chains, vcon_store, exporters, journal, health } = config;
  const exported = [
    ...(otlp.traces || otlp.metrics ? ['otlp'] : []),
    ...(exporters.otlp_file ? ['otlp_file'] : []),
    ...(exporters.prometheus ? ['prometheus'] : []),
  ];
  return [
    ...Object.entries(chains).map(
      ([name, chain]) => `${formatPath(['chains', name])}: ${describeChain(chain)}`,
    ),
    `vcon_store: ${vcon_store.type}`,
    `exporters: ${exported.join(', ') || 'none'}`,
    `journal: ${journal.type}`,
    `health: port ${health.port}`,
  ];
}

function describeChain({ links = [], storages = [], tracers }: Config['chains'][string]): string {
  const heardBy =
    tracers === undefined
      ? 'every tracer'
      : tracers.map((name) => formatPath([name])).join(', ') || 'no tracer';
  return `${counted(links.length, 'link')}, ${counted(storages.length, 'storage')}, heard by ${heardBy}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function effective(loaded: LoadedConfig): string {
  const { variables } = loaded.environment;
  const heard =
    variables.length > 0 ? `# also in effect from the environment: ${variables.join(', ')}\n` : '';
  return heard + stringify(redactConfig(loaded));
}
