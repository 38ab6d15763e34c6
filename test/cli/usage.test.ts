import { describe, expect, test } from 'vitest';
import { vconOtel } from './command-line.ts';

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
    [['timeline'], 'timeline needs either a FILE, --last or --journal'],
  ])('%j says what is wrong, hints at --help and exits 2', async (args, message) => {
    expect(await vconOtel(args)).toEqual({
      code: 2,
      stdout: '',
      stderr: `vcon-otel: ${message}\n(vcon-otel --help lists the commands)\n`,
    });
  });

  test('no command at all shows the help and exits 2', async () => {
    const { code, stdout, stderr } = await vconOtel([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Usage: vcon-otel /);
  });
});

describe.concurrent('--help', () => {
  test('lists the commands and exits 0', async () => {
    const { code, stdout, stderr } = await vconOtel(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const command of ['demo', 'timeline', 'validate', 'doctor', 'serve', 'tap'])
      expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  });

  test('of a command tells its options and exits 0', async () => {
    const { code, stdout, stderr } = await vconOtel(['demo', '--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const option of ['--vcons', '--out', '--count', '--json', '--forever', '--pause'])
      expect(stdout).toContain(option);
  });
});
