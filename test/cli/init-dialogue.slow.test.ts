import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { missingPrograms, onTerminal, type TypedStep } from '../support/terminal.ts';
import { LAUNCHER } from './command-line.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-dialogue-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

const MISSING = missingPrograms('python3');

/** On a terminal of its own: hence in the slow ring. */
describe.skipIf(MISSING)(`vcon-otel init on a terminal${MISSING ? ` (${MISSING})` : ''}`, () => {
  const init = (...steps: readonly TypedStep[]) =>
    onTerminal([process.execPath, LAUNCHER, 'init'], steps, {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', NO_COLOR: '1' },
    });

  test('five answers make a configuration', async () => {
    await writeFile(join(folder, 'config.yml'), 'chains: { main: { links: [tag] } }\n');
    const { code, output } = await init(
      ['[./config.yml] ', '\r'],
      ['[redis://127.0.0.1:6379] ', 'redis://127.0.0.1:1\r'],
      ['[compliance] ', 'audit_log\r'],
      ['[none] ', 'http://127.0.0.1:4318\r'],
      ['[4419] ', '0\r'],
    );
    expect(code).toBe(0);
    expect(output.match(/\? /g)).toHaveLength(5);
    const { config } = await loadConfig(join(folder, 'vcon-otel.yaml'), {});
    expect(config).toMatchObject({
      conserver_config: './config.yml',
      tracers: { audit: { module: 'tracers.audit_log' } },
      vcon_store: { type: 'redis', url: 'redis://127.0.0.1:1' },
      exporters: { otlp: { endpoint: 'http://127.0.0.1:4318' } },
      admin: { port: 0 },
    });
  });

  test('an answer that means nothing is asked for again; none means none', async () => {
    await writeFile(join(folder, 'config.yml'), 'chains: {}\n');
    const { code } = await init(
      ['[./config.yml] ', 'none\r'],
      ['[redis://127.0.0.1:6379] ', '127.0.0.1\r'],
      ['A URL, please', ''],
      ['[redis://127.0.0.1:6379] ', 'redis://127.0.0.1:1\r'],
      ['[compliance] ', 'complience\r'],
      ['One of compliance, audit_log, none, please.', ''],
      ['[compliance] ', 'none\r'],
      ['[none] ', 'localhost:4318\r'],
      ['A URL, please', ''],
      ['[none] ', '\r'],
      ['[4419] ', '70000\r'],
      ['A number up to 65535, please.', ''],
      ['[4419] ', '0\r'],
    );
    expect(code).toBe(0);
    expect(await readFile(join(folder, 'vcon-otel.yaml'), 'utf8')).not.toMatch(
      /^(conserver_config|tracers|exporters):/m,
    );
  });

  test.each([
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('%s in the middle leaves nothing behind', async (_, key) => {
    const { code, output } = await init(['[none] ', '\r'], ['[redis://127.0.0.1:6379] ', key]);
    expect(output).toContain('vcon-otel: interrupted; nothing was written\r\n');
    expect(code).toBe(130);
    expect(await readdir(folder)).toEqual([]);
  });
});
