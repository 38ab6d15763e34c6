import { describe, expect, test } from 'vitest';
import { runInProcess } from './in-process.ts';

describe.concurrent('wrong usage', () => {
  test.each<[string[], string]>([
    [['no-such-command'], "unknown command 'no-such-command'"],
    [
      ['demo', '--count', '0'],
      "option '--count <n>' argument '0' is invalid. It is a whole number from 1 on.",
    ],
    [
      ['demo', '--count', 'abc'],
      "option '--count <n>' argument 'abc' is invalid. It is a whole number from 1 on.",
    ],
    [['validate'], "missing required argument 'file'"],
    [
      ['doctor', 'x.yml', '--timeout', '5'],
      "option '--timeout <duration>' argument '5' is invalid. It is a duration such as 500ms or 10s.",
    ],
    [['timeline'], 'timeline needs exactly one of FILE, --last and --journal'],
  ])('%j says what is wrong, hints at --help and exits 2', async (args, message) => {
    expect(await runInProcess(args)).toEqual({
      code: 2,
      stdout: '',
      stderr: `vcon-otel: ${message}\n(${args[0] === 'no-such-command' ? 'vcon-otel --help lists the commands' : `vcon-otel ${args[0]} --help says how`})\n`,
    });
  });

  test('no command at all shows the help and exits 2', async () => {
    const { code, stdout, stderr } = await runInProcess([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Usage: vcon-otel /);
  });
});

describe.concurrent('--help', () => {
  test('lists the commands and exits 0', async () => {
    const { code, stdout, stderr } = await runInProcess(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const command of ['demo', 'timeline', 'validate', 'doctor', 'serve', 'tap'])
      expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  });

  test('of each command has two examples of it, marks what is required, and usage errors point there', async () => {
    const below = async (path: readonly string[]): Promise<string[][]> => {
      const { stdout } = await runInProcess([...path, '--help']);
      const listed = stdout.split('Commands:\n')[1]?.split('\n\n')[0] ?? '';
      const names = [...listed.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name = '']) => name);
      const inner = await Promise.all(
        names.filter((name) => name !== 'help').map((name) => below([...path, name])),
      );
      return [...(path.length > 0 ? [[...path]] : []), ...inner.flat()];
    };
    const commands = await below([]);
    expect(commands.length).toBeGreaterThan(20);
    for (const path of commands) {
      const { stdout } = await runInProcess([...path, '--help']);
      const examples = stdout.split('Examples:\n')[1]?.trim().split('\n') ?? [];
      expect([path, examples.length]).toEqual([path, 2]);
      for (const example of examples)
        expect(example.trim()).toMatch(new RegExp(`^vcon-otel ${path[0]}( |$)`));
      const [usage = ''] = stdout.split('\n', 1);
      const required = [...usage.matchAll(/ <(\w+)>/g)].map(([, name]) => name);
      for (const name of required) expect(stdout).toMatch(new RegExp(`^ +${name} .*\\(required\\)`, 'ms'));
      if (required.length > 0)
        expect((await runInProcess(path)).stderr).toMatch(/missing required argument|required option/);
      const { code, stderr } = await runInProcess([...path, '--no-such-option']);
      expect([path, code]).toEqual([path, path[0] === 'audit' ? 3 : 2]);
      expect(stderr).toContain(`(vcon-otel ${path.join(' ')} --help says how)`);
    }
    const { stdout } = await runInProcess(['queue', 'retry', '--help']);
    expect(stdout).toMatch(/--tracer <name> .*\(required\)/);
  });

  test('of a command tells its options and exits 0', async () => {
    const { code, stdout, stderr } = await runInProcess(['demo', '--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const option of ['--vcons', '--out', '--count', '--json', '--forever', '--pause'])
      expect(stdout).toContain(option);
  });
});
