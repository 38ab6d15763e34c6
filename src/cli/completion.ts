import { Argument, Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';

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

const SCRIPTS = {
  bash: `# eval "$(vcon-otel completion bash)"
_vcon_otel() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(vcon-otel complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _vcon_otel vcon-otel
`,
  zsh: `#compdef vcon-otel
# eval "$(vcon-otel completion zsh)"
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
async function completions(program: Command, words: readonly string[]): Promise<string[]> {
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

function choicesOf(command: Command): readonly string[] {
  return command.registeredArguments[0]?.argChoices ?? [];
}

async function configuredNames(option: string, words: readonly string[]): Promise<string[]> {
  const kind = NAMES[option];
  if (kind === undefined) return [];
  try {
    const at = words.indexOf('--config');
    const { config } = await loadConfig((at === -1 ? undefined : words[at + 1]) ?? DEFAULT_CONFIG);
    return Object.keys(config[kind]);
  } catch {
    // There is none, or it is not valid: nobody wants to be told while typing.
    return [];
  }
}
