import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingPrograms, onTerminal } from '../support/terminal.ts';
import { LAUNCHER } from './command-line.ts';

let folder: string;
let work: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-shells-'));
  work = join(folder, 'work');
  await mkdir(work);
  const program = join(folder, 'bin', 'vcon-otel');
  await mkdir(join(folder, 'bin'));
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${LAUNCHER}" "$@"\n`);
  await chmod(program, 0o755);
  path = [join(folder, 'bin'), process.env.PATH].join(delimiter);
  const file =
    'tracers: { ledger: { module: tracers.audit_log } }\nchains: { zebra: {}, "odd $(touch ran)": {} }\n';
  await writeFile(join(work, 'vcon-otel.yaml'), file);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** How each shell is started without anybody's own settings, and told to complete. */
const SHELLS = {
  bash: { argv: ['bash', '--norc', '--noprofile', '-i'], set: 'eval "$(vcon-otel completion bash)"' },
  zsh: {
    argv: ['zsh', '-f', '-i'],
    set: 'autoload -U compinit; compinit -u -D; eval "$(vcon-otel completion zsh)"',
  },
  fish: { argv: ['fish', '--no-config', '-i'], set: 'vcon-otel completion fish | source' },
};

/** Whole shells, in which Tab is pressed: hence in the slow ring. */
describe.each(Object.entries(SHELLS))('in %s', (name, { argv, set }) => {
  const missing = missingPrograms('python3', name);

  test.skipIf(missing)(
    `Tab completes commands and names, and runs nothing${missing ? ` (${missing})` : ''}`,
    async () => {
      // What is typed ends in a letter too few, so that what appears is no echo.
      const { output } = await onTerminal(
        argv,
        [
          [
            '',
            `${set}; echo set-$((40 + 2))\r`
              .replace('$((', name === 'fish' ? '(math ' : '$((')
              .replace('))', name === 'fish' ? ')' : '))'),
          ],
          ['set-42', 'vcon-otel queue pe\t'],
          ['ek', '--tracer led\t'],
          ['ger', '\x15vcon-otel tap --chain zeb\t'],
          ['ra', '\x15vcon-otel tap --chain odd\t'],
          ['touch', '\x15exit\r'],
        ],
        { cwd: work, env: { PATH: path, HOME: folder, PS1: '> ', LC_ALL: 'C.UTF-8' } },
      );
      expect(output).toContain('touch');
      expect(await readdir(work)).toEqual(['vcon-otel.yaml']);
    },
  );
});
