import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { makeFolder } from '../persistence/make-folder.ts';
import { writeNewFiles } from '../persistence/new-files.ts';

/** What the command needs of the process it runs in. */
export interface NewSettings {
  readonly stdout: { write(text: string): unknown };
}

/**
 * `vcon-otel new tracer NAME`: writes a typed tracer and its test, and says what to do with them.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` where a file cannot be written, or is there
 */
export function newCommand(settings: NewSettings): Command {
  const command = new Command('new').description('write the beginnings of something of your own');
  command
    .command('tracer')
    .description('write a typed tracer, and a test that it passes')
    .argument('<name>', 'its name: letters, digits, - and _', parseName)
    .option('--out <dir>', 'the folder where it goes', '.')
    .action((name: string, { out }: { out: string }) => newTracer(name, out, settings));
  return command;
}

function parseName(text: string): string {
  if (!/^[A-Za-z][\w-]{0,63}$/.test(text))
    throw new InvalidArgumentError('It begins with a letter and has letters, digits, - and _ only.');
  return text;
}

async function newTracer(name: string, out: string, { stdout }: NewSettings): Promise<void> {
  makeFolder(out);
  const extension = isCommonJs(resolve(out)) ? 'mts' : 'ts';
  const module = `${name}.${extension}`;
  const file = join(out, module);
  const test = join(out, `${name}.test.${extension}`);
  await writeNewFiles({ [file]: tracerText(name), [test]: testText(module) });
  stdout.write(`${file} and ${test} are written.

  hear it now  npx vcon-otel try ${file}
  its test     npx node --test ${test}  (with vcon-otel installed in this folder)

In a configuration:

  tracers:
    ${name}: { module: ./${module}, options: { title: calls } }
`);
}

/** Whether the nearest package.json says that a `.ts` is no ES module, as that of `npm init` does. */
function isCommonJs(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).type === 'commonjs';
  } catch {
    // There is none here, or none that can be read.
    return dirname(folder) !== folder && isCommonJs(dirname(folder));
  }
}

function tracerText(name: string): string {
  return `import { defineTracer, z } from 'vcon-otel';

/** ${name}: counts what it hears. Replace what \`trace\` does by what yours is for. */
export default defineTracer({
  // What a configuration may say under \`options\`; an unknown or wrong one is an error before anything starts.
  options: z.strictObject({ title: z.string().default('events') }),
  create: ({ title }) => {
    const heard = new Set<string>();
    return {
      // For each event of a run, in order. Throw, and the call is made again later.
      trace: (_vconUuid, _event, _options, { eventId }) => {
        // The same event may come again: its id is the same.
        heard.add(eventId);
      },
      shutdown: async () => console.log(\`\${title}: \${heard.size}\`),
    };
  },
});
`;
}

function testText(module: string): string {
  return `import { test } from 'node:test';
import { testTracer } from 'vcon-otel/testing';
import tracer from './${module}';

// The contract that every tracer keeps. Say more in its second argument, and more is checked (docs/custom-tracers.md).
for (const { name, run } of testTracer(tracer)) test(name, run);
`;
}
