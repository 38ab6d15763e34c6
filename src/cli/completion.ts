import { Argument, Command } from 'commander';
import { type Config, loadConfig } from '../config/load-config.ts';
import { watchConserverChains } from '../service/conserver-chains.ts';

/** What the commands need of the process they run in. */
export interface CompletionSettings {
  readonly stdout: { write(text: string): unknown };
  /** With every command of the line. */
  readonly program: Command;
}

/**
 * `vcon-otel completion SHELL`: prints the script that makes a shell complete commands, options, and the names of tracers and chains; and
 * `complete`, hidden, which that script asks.
 */
export function completionCommands({ stdout, program }: CompletionSettings): Command[] {
  return [
    new Command('completion')
      .description('print the script that makes a shell complete commands, options and names')
      .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
      .action((shell: keyof typeof SCRIPTS) => {
        stdout.write(SCRIPTS[shell]);
      }),
    new Command('complete')
      .argument('[words...]')
      .allowUnknownOption()
      .action(async (words: string[]) => {
        const found = await completions(program, words);
        stdout.write(found.map((word) => `${word}\n`).join(''));
      }),
  ];
}

// No shell evaluates what is found: a chain may be called `$(…)`.
const SCRIPTS = {
  bash: `# eval "$(vcon-otel completion bash)"
_vcon_otel() {
  local found
  COMPREPLY=()
  while IFS= read -r found; do
    COMPREPLY+=("$(printf '%q' "$found")")
  done < <(vcon-otel complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _vcon_otel vcon-otel
`,
  zsh: `#compdef vcon-otel
# After compinit: eval "$(vcon-otel completion zsh)"
_vcon_otel() {
  local -a found
  found=("\${(@f)$(vcon-otel complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -a found; else _files; fi
}
compdef _vcon_otel vcon-otel
`,
  fish: `# vcon-otel completion fish | source
complete -c vcon-otel -a '(vcon-otel complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
} as const;

/** Options whose values are names of the configuration. */
const NAMES: Readonly<Record<string, 'tracers' | 'chains'>> = { '--tracer': 'tracers', '--chain': 'chains' };
const DEFAULT_CONFIG = './vcon-otel.yaml';

/** What the last of some words may become; nothing where that is a file, which shells complete themselves. */
async function completions(program: Command, typed: readonly string[]): Promise<string[]> {
  const words = typed.flatMap(apart);
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  let command = program;
  for (const word of words.slice(0, -1))
    command = command.commands.find((inner) => inner.name() === word) ?? command;
  const option = command.options.find(({ short, long }) => before !== '' && [short, long].includes(before));
  const takesValue = option !== undefined && (option.required || option.optional);
  const candidates = takesValue
    ? (option.argChoices ?? (await configuredNames(option.long ?? '', words)))
    : last.startsWith('-')
      ? command.options.flatMap(({ long }) => long ?? [])
      : [
          ...command.commands.map((inner) => inner.name()).filter((name) => name !== 'complete'),
          ...choicesOf(command),
        ];
  return candidates.filter((candidate) => candidate.startsWith(last));
}

/** `--option=value` is two words, as bash has it, which hands the `=` over as a word of its own. */
function apart(word: string): string[] {
  if (word === '=') return [];
  const [, option, value] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
  return option === undefined || value === undefined ? [word] : [option, value];
}

function choicesOf(command: Command): readonly string[] {
  return command.registeredArguments[0]?.argChoices ?? [];
}

async function configuredNames(option: string, words: readonly string[]): Promise<string[]> {
  const kind = NAMES[option];
  if (kind === undefined) return [];
  try {
    const at = words.indexOf('--config');
    const { config } = await loadConfig((at === -1 ? undefined : words[at + 1]) ?? DEFAULT_CONFIG);
    const names = Object.keys(config[kind]);
    return kind === 'tracers' ? names : [...new Set([...names, ...(await serversChains(config))])];
  } catch {
    // There is none, or it is not valid: nobody wants to be told while typing.
    return [];
  }
}

/** The chains of the server's own file, where the configuration names it. */
async function serversChains({ conserver_config: file }: Config): Promise<string[]> {
  if (file === undefined) return [];
  const chains = await watchConserverChains(file, () => undefined);
  chains.close();
  return [...chains.all().keys()];
}
