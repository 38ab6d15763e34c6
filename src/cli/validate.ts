import { Command } from 'commander';
import { stringify } from 'yaml';
import {
  type Config,
  ConfigError,
  type ConfigReading,
  formatPath,
  type LoadedConfig,
  located,
  readConfig,
  redactConfig,
} from '../config/load-config.ts';
import { type Fault, sayFault } from '../model/fault.ts';
import {
  disabledTracers,
  exportersOf,
  journalOf,
  receiversOf,
  tracersOf,
  vconStoreOf,
} from '../service/components.ts';
import { configFaults } from '../service/config-faults.ts';
import { componentFaults, componentRemarks } from '../service/named-component.ts';
import { remarksOf } from '../service/remarks.ts';

/** What code hands to the command. */
export interface ValidateSettings {
  readonly stdout: { write(text: string): unknown };
  readonly colour: boolean;
  /** Sets the exit code of the process. */
  readonly exit: (code: number) => void;
}

/** `vcon-otel validate FILE`: says what is right and wrong in a configuration. The exit code is 1 if anything is wrong. */
export function validateCommand({ stdout, colour, exit }: ValidateSettings): Command {
  return new Command('validate')
    .description('check a configuration file and say what is wrong where')
    .argument('<file>', 'the YAML file')
    .option('--print', 'print the configuration in effect, without its secrets')
    .action(async (file: string, { print = false }: { print?: boolean }) => {
      const { loaded, good, remarks, faults } = await check(file);
      const lines = [
        ...good.map((line) => `${paint(GREEN, '✓', colour)} ${line}`),
        ...remarks.map((line) => `${paint(YELLOW, '!', colour)} ${line}`),
        ...faults.map((fault) => `${paint(RED, '✗', colour)} ${sayFault(fault)}`),
        faults.length === 0 ? `${file} is valid` : `${file} has ${counted(faults.length, 'fault')}`,
      ];
      stdout.write(`${lines.join('\n')}\n`);
      if (print && loaded) stdout.write(`\n${effective(loaded)}`);
      if (faults.length > 0) exit(1);
    });
}

const GREEN = 32;
const RED = 31;
const YELLOW = 33;

function paint(code: number, text: string, colour: boolean): string {
  return colour ? `\u001b[${code}m${text}\u001b[39m` : text;
}

interface Verdict {
  readonly loaded?: LoadedConfig;
  readonly good: readonly string[];
  /** What is right, and yet should be known. */
  readonly remarks: readonly string[];
  readonly faults: readonly Fault[];
}

async function check(file: string): Promise<Verdict> {
  const reading = await readConfig(file).catch((error): ConfigReading => {
    if (error instanceof ConfigError) return { loaded: undefined, faults: error.faults };
    throw error;
  });
  const { loaded } = reading;
  if (!loaded || reading.faults.length > 0)
    return { good: [], remarks: [], faults: await configFaults(reading) };
  const good: string[] = [];
  const remarks: string[] = [];
  const faults = [...(await configFaults(reading))];
  for (const tracer of tracersOf(loaded)) {
    if ((await componentFaults(tracer)).length > 0) continue;
    const { lacks = [] } = await tracer.find();
    faults.push(...located(lacks, loaded.placeOf));
    if (lacks.length === 0) good.push([tracer.path, ...(tracer.notes ?? [])].join(': '));
    remarks.push(...(await componentRemarks(tracer)).map((text) => `${tracer.path}: ${text}`));
  }
  for (const name of disabledTracers(loaded))
    good.push(`${formatPath(['tracers', name])}: not enabled, hears nothing`);
  if (faults.length === 0) remarks.push(...(await remarksOf(loaded)));
  return { loaded, good: [...good, ...sections(loaded)], remarks, faults };
}

/** A line for each part that the schema alone can judge. */
function sections(loaded: LoadedConfig): string[] {
  const { chains, health, admin, conserver_config } = loaded.config;
  const receivers = receiversOf(loaded).map(({ title }) => title);
  const disabled = disabledTracers(loaded);
  const exporters = exportersOf(loaded).map(({ title }) => title);
  return [
    ...Object.entries(chains).map(
      ([name, chain]) => `${formatPath(['chains', name])}: ${describeChain(chain, disabled)}`,
    ),
    `vcon_store: ${vconStoreOf(loaded).title}`,
    ...(conserver_config === undefined ? [] : [`conserver_config: ${conserver_config}`]),
    `receivers: ${receivers.join(', ') || 'none'}`,
    `exporters: ${exporters.join(', ') || 'none'}`,
    `journal: ${journalOf(loaded).title}`,
    ...(health ? [`health: port ${health.port}`] : []),
    ...(admin ? [`admin: port ${admin.port}`] : []),
  ];
}

function describeChain(
  { links = [], storages = [], tracers, enabled = true }: Config['chains'][string],
  disabled: readonly string[],
): string {
  const shown = (name: string) => `${formatPath([name])}${disabled.includes(name) ? ' (not enabled)' : ''}`;
  const heardBy = tracers === undefined ? 'every tracer' : tracers.map(shown).join(', ') || 'no tracer';
  // The server runs it all the same, and an audit that kept silent about that would be untrue.
  const runs = enabled ? '' : `; enabled: ${enabled} changes nothing, as in the server`;
  return `${counted(links.length, 'link')}, ${counted(storages.length, 'storage')}, heard by ${heardBy}${runs}`;
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
