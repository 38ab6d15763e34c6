import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load-config.ts';
import { freePort } from '../support/server.ts';
import { runInProcess } from './in-process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-init-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('CONSERVER_CONFIG_FILE', undefined);
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', undefined);
  // Nobody is there, which doctor says and init does not mind.
  vi.stubEnv('REDIS_URL', `redis://somebody:kanari@127.0.0.1:${await freePort()}`);
});

describe('vcon-otel init --yes', () => {
  test('writes a configuration that is valid, with what was found, and no secret', async () => {
    const conserver = join(folder, 'config.yml');
    await writeFile(conserver, 'chains: { main: { links: [tag], ingress_lists: [default] } }\n');
    vi.stubEnv('CONSERVER_CONFIG_FILE', conserver);
    const out = join(folder, 'vcon-otel.yaml');
    const { code, stdout } = await runInProcess(['init', '--yes', '--out', out]);
    expect(code).toBe(0);
    expect(stdout).toContain(`chains of ${conserver}`);
    expect(stdout).toContain('2 things are wrong');
    const text = await readFile(out, 'utf8');
    expect(text).toMatch(/^# yaml-language-server: \$schema=\S+config\.schema\.json\n/);
    expect(text).not.toContain('kanari');
    const { config } = await loadConfig(out);
    expect(config).toMatchObject({
      conserver_config: conserver,
      tracers: { audit: { module: 'tracers.compliance' } },
      receivers: { redis_stream: { stream: 'vcon-otel:events' } },
    });
    expect((await stat(out)).mode & 0o777).toBe(0o600);
  });

  test('writes the blocks for the server', async () => {
    await runInProcess(['init', '--yes', '--out', join(folder, 'a.yaml')]);
    const { imports, tracers } = parse(await readFile(join(folder, 'a.server.yaml'), 'utf8'));
    const named = { module: 'vcon_otel', pip_name: '/not/from/the/internet' };
    expect([imports, tracers]).toEqual([
      { vcon_otel: named },
      { vcon_otel: { ...named, options: { mode: 'redis' } } },
    ]);
  });

  test('never writes over what is there', async () => {
    const out = join(folder, 'a.yaml');
    await writeFile(out, 'mine');
    expect(await runInProcess(['init', '--yes', '--out', out])).toEqual({
      code: 1,
      stdout: '',
      stderr: `vcon-otel: ${out} is there already; nothing was written\n`,
    });
    expect(await readFile(out, 'utf8')).toBe('mine');
  });
});
