import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { surroundings } from '../config/surroundings.ts';
import { mustBeFree, writeNewFiles } from '../persistence/new-files.ts';
import { PRIVATE_FILE } from '../persistence/private-file.ts';
import { askFor } from './init/questions.ts';
import { configText, FACTS_FILE, type InitAnswers, serverText } from './init/texts.ts';

/** What the command needs of the process it runs in. */
export interface InitSettings {
  readonly stdout: NodeJS.WritableStream;
  /** Prints what `doctor` says of a configuration. */
  readonly doctor: (file: string) => Promise<void>;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
  readonly exit: (code: number) => void;
}

/**
 * `vcon-otel init`: looks at what is here of a conserver, asks what it cannot know (five questions, or none with `--yes`), writes a
 * configuration and the blocks for the server's, and lets `doctor` look at it. Writes both files or, where it is interrupted, none.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` where a file cannot be written, or is there
 */
export function initCommand(settings: InitSettings): Command {
  return new Command('init')
    .description("write a configuration beside a conserver, and the blocks for the server's own")
    .option('--yes', 'ask nothing: take what is found, else the defaults; so it does without a terminal')
    .option('--out <file>', 'the configuration to write', 'vcon-otel.yaml')
    .action((options: InitOptions) => init(options, settings));
}

interface InitOptions {
  readonly yes?: true;
  readonly out: string;
}

async function init({ yes, out }: InitOptions, settings: InitSettings): Promise<void> {
  const { stdin, stdout, stderr, exit } = settings;
  const serverFile = `${out.replace(/\.ya?ml$/, '')}.server.yaml`;
  // Before anybody answers questions in vain.
  mustBeFree(out, serverFile);
  const found = foundAnswers();
  const answers = yes || !stdin.isTTY ? found : await askFor(found, settings);
  if (answers === undefined) {
    stderr.write('vcon-otel: interrupted; nothing was written\n');
    exit(130);
    return;
  }
  // The configuration may come to hold secrets.
  await writeNewFiles({ [out]: configText(answers), [serverFile]: serverText() }, PRIVATE_FILE);
  stdout.write(`
${out} is written: ${summary(answers)}.
${serverFile} has the blocks for the server's config.yml.

Beside the server (it stays as it is):
  1. copy ${FACTS_FILE} into the folder of its main.py
  2. put the lines of ${serverFile} into its config.yml, below imports: and tracers: where it has these; restart it
Here:
  3. npx vcon-otel serve ${out}
  4. npx vcon-otel tap     (in another terminal: events as they pass)

What doctor says of it now:

`);
  await settings.doctor(out);
}

function foundAnswers(): InitAnswers {
  const { configs, redisUrl, otlpEndpoint } = surroundings();
  return {
    conserverConfig: configs.find((file) => existsSync(file)),
    redisUrl: redisUrl ?? 'redis://127.0.0.1:6379',
    redisFromEnvironment: redisUrl !== undefined,
    audit: 'compliance',
    otlpEndpoint,
    adminPort: 4419,
  };
}

function summary({ conserverConfig, audit, otlpEndpoint }: InitAnswers): string {
  return [
    conserverConfig ? `chains of ${conserverConfig}` : 'no config.yml of a server was found or named',
    audit === 'none' ? 'no audit trail' : `audit trail: tracers.${audit}`,
    otlpEndpoint ? 'spans to a Collector' : 'spans to nobody yet',
  ].join('; ');
}
