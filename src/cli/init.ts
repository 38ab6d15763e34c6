import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { surroundings } from '../config/surroundings.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { configText, FACTS_FILE, type InitAnswers, serverText } from './init/texts.ts';

/** What the command needs of the process it runs in. */
export interface InitSettings {
  readonly stdout: NodeJS.WritableStream;
  /** Prints what `doctor` says of a configuration. */
  readonly doctor: (file: string) => Promise<void>;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
}

/**
 * `vcon-otel init`: looks at what is here of a conserver, asks what it cannot know (five questions, or none with `--yes`), writes a
 * configuration and the blocks for the server's, and lets `doctor` look at it.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` where a file cannot be written, or is there
 */
export function initCommand(settings: InitSettings): Command {
  return new Command('init')
    .description("write a configuration beside a conserver, and the blocks for the server's own")
    .option('--yes', 'ask nothing: take what is found, else the defaults')
    .option('--out <file>', 'the configuration to write', 'vcon-otel.yaml')
    .action((options: InitOptions) => init(options, settings));
}

interface InitOptions {
  readonly yes?: true;
  readonly out: string;
}

async function init({ yes, out }: InitOptions, settings: InitSettings): Promise<void> {
  const { stdout, stdin } = settings;
  const serverFile = `${out.replace(/\.ya?ml$/, '')}.server.yaml`;
  for (const file of [out, serverFile])
    if (existsSync(file))
      throw new VconOtelError('FILE_UNUSABLE', `${file} is there already; name another with --out`);
  const found = foundAnswers();
  const answers = yes || !stdin.isTTY ? found : await ask(found, settings);
  await write(out, configText(answers));
  await write(serverFile, serverText());
  stdout.write(`
${out} is written: ${summary(answers)}.
${serverFile} has the blocks for the server's config.yml.

Beside the server (it stays as it is):
  1. cp ${FACTS_FILE} to the folder of its main.py
  2. put the blocks of ${serverFile} into its config.yml, and restart it
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

async function ask(found: InitAnswers, { stdin, stdout }: InitSettings): Promise<InitAnswers> {
  const lines = createInterface({ input: stdin, output: stdout });
  const question = async (text: string, known: string): Promise<string> =>
    (await lines.question(`${text} [${known || 'none'}] `)).trim() || known;
  try {
    const conserverConfig = await question(
      "The server's config.yml, for its chains?",
      found.conserverConfig ?? '',
    );
    const shown = found.redisFromEnvironment ? 'that of REDIS_URL' : found.redisUrl;
    const redis = await question("The server's Redis?", shown);
    const audit = await question(
      'An audit trail: compliance (signed), audit_log (lines of JSON), or none?',
      found.audit,
    );
    const otlp = await question(
      'A Collector for spans and metrics (http://…:4318)?',
      found.otlpEndpoint ?? '',
    );
    const port = await question('The port for health and metrics?', String(found.adminPort));
    return {
      conserverConfig: conserverConfig || undefined,
      redisUrl: redis === shown ? found.redisUrl : redis,
      redisFromEnvironment: redis === shown && found.redisFromEnvironment,
      audit: audit === 'audit_log' || audit === 'none' ? audit : 'compliance',
      otlpEndpoint: /^https?:/.test(otlp) ? otlp : undefined,
      adminPort: /^\d{1,5}$/.test(port) ? Number(port) : found.adminPort,
    };
  } finally {
    lines.close();
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    // It may come to hold secrets.
    await writeFile(file, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new VconOtelError('FILE_UNUSABLE', `${file} cannot be written (${errorType(error)})`, {
      cause: error,
    });
  }
}

function summary({ conserverConfig, audit, otlpEndpoint }: InitAnswers): string {
  return [
    conserverConfig ? `chains of ${conserverConfig}` : 'no config.yml of a server was found or named',
    audit === 'none' ? 'no audit trail' : `audit trail: tracers.${audit}`,
    otlpEndpoint ? 'spans to a Collector' : 'spans to nobody yet',
  ].join('; ');
}
