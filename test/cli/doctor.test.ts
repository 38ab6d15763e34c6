import { writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../support/server.ts';
import { type Ended, startVconOtel, vconOtel } from './command-line.ts';
import { runInProcess } from './in-process.ts';
import { journalFolder } from './kept-runs.ts';

/** What must never be printed. */
const SECRET = 'kanari-geheim';

let folder: string;
const at = (name: string) => join(folder, name);

beforeEach(() => {
  folder = journalFolder();
});

interface Report {
  readonly code: number | null;
  readonly findings: { about: string; state: string; text: string; advice: string | null }[];
}

/** Nothing but what is written, beside a journal in memory and a free port for the health of the service. */
function written(config: Record<string, unknown>, name = 'config.yml'): string {
  const base = { journal: { type: 'memory' }, health: { port: 0 } };
  writeFileSync(at(name), JSON.stringify({ ...base, ...config }));
  return at(name);
}

async function ended(config: Record<string, unknown>, ...args: readonly string[]): Promise<Ended> {
  const result = await runInProcess(['doctor', written(config), ...args], { cwd: folder });
  expect(result.stdout + result.stderr).not.toContain(SECRET);
  return result;
}

async function doctor(config: Record<string, unknown>, ...args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await ended(config, '--json', ...args);
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as { ok: boolean; findings: Report['findings'] };
  expect(report.ok).toBe(code === 0);
  return { code, findings: report.findings };
}

describe('what it prints', () => {
  test('is a line for each finding, with what to do, and a verdict', async () => {
    const { code, stdout } = await ended({ exporters: { otlp_file: { path: './config.yml/x' } } });
    expect(code).toBe(1);
    expect(stdout).toBe(`✓ journal: is kept in memory: what tracers have yet to hear ends with the process
✓ vcon_store: is in memory: tracers find the vCons of this process only
✗ exporters.otlp_file: ./config.yml/x cannot be written (ENOTDIR)
  → name a file that the service can write
✓ health: takes a free port
${at('config.yml')}: 1 thing is wrong
`);
  });

  test('is that all is well, with exit code 0', async () => {
    const { code, stdout } = await ended({});
    expect(code).toBe(0);
    expect(stdout).toMatch(/all is well\n$/);
  });

  test('of a configuration that is not valid are its faults only', async () => {
    const { code, findings } = await doctor({ chains: { main: { tracers: ['nobody'] } }, nonsense: SECRET });
    expect(code).toBe(1);
    expect(findings.map(({ about }) => about).sort()).toEqual(['chains.main.tracers[0]', 'nonsense']);
    expect((await runInProcess(['doctor', at('missing.yml')])).code).toBe(1);
  });

  test('changes no file', async () => {
    await ended({
      tracers: {
        audit: { module: 'tracers.audit_log', options: { log_file: './a/log' } },
        db: { module: 'tracers.db_audit' },
        ledger: { module: 'tracers.compliance', options: { directory: './ledger' } },
      },
      exporters: { otlp_file: { path: './b/traces.jsonl' } },
      journal: { type: 'sqlite', path: './c/journal.db' },
    });
    expect(await readdir(folder)).toEqual(['config.yml']);
  });
});

describe('beside a service that runs', () => {
  test('its ports are answered by it, and the lock of its ledger is left alone', async () => {
    const config = {
      tracers: { mine: { module: 'tracers.compliance', options: { directory: './ledger' } } },
      vcon_store: { type: 'directory', path: '.' },
      exporters: { prometheus: { port: await freePort() } },
      health: { port: await freePort() },
      journal: { type: 'sqlite', path: './journal.db' },
    };
    const service = startVconOtel(['serve', written(config, 'served.yml')], { cwd: folder });
    await service.printed('ends it.');
    const { code, findings } = await doctor(config);
    expect(code).toBe(0);
    const told = findings.map(({ about, text }) => `${about}: ${text}`);
    for (const one of [
      'journal: a service has it open',
      `exporters.prometheus: 127.0.0.1 port ${config.exporters.prometheus.port} answers like a running service`,
      `health: 127.0.0.1 port ${config.health.port} answers like a running service`,
      'tracers.mine: its signing key can be read',
    ])
      expect(told).toContain(one);
    service.child.kill('SIGTERM');
    expect((await service.ended).code).toBe(0);
  });
});

describe('a tracer of somebody else', () => {
  const tracer = async (module: string, ...args: readonly string[]) => {
    const { findings } = await doctor({ tracers: { mine: { module } } }, ...args);
    return findings
      .filter(({ about }) => about === 'tracers.mine')
      .map(({ state, text }) => `${state} ${text}`);
  };

  test('says what it depends on, if it does, and holds nobody up', async () => {
    expect(await tracer(fileURLToPath(new URL('../../examples/custom-tracer.ts', import.meta.url)))).toEqual([
      'ok its module and options are right; it does not say what it depends on',
    ]);
    const module = (name: string, probe: string, first = '') => {
      writeFileSync(at(name), `${first} export default { create: () => ({ trace() {} }), ${probe} };`);
      return `./${name}`;
    };
    const warns = `probe: async (options, { name }) => [{ state: 'warning', text: name + ' is slow' }]`;
    expect(await tracer(module('warns.mjs', warns))).toEqual(['warning mine is slow']);
    expect(
      await tracer(module('throws.mjs', `probe: async () => { throw new RangeError('${SECRET}'); }`)),
    ).toEqual(['fault what it depends on could not be looked at (RangeError)']);
    const hangs = module('hangs.mjs', 'probe: () => new Promise(() => {})', 'setInterval(() => {}, 1e6);');
    const config = written({ tracers: { mine: { module: hangs } } });
    const { code, stdout } = await vconOtel(['doctor', config, '--timeout', '300ms'], { cwd: folder });
    expect(code).toBe(1);
    expect(stdout).toContain('tracers.mine: no answer within 0.3 s');
  });
});

describe('secrets in urls and keys', () => {
  test('are never printed, whatever is wrong', async () => {
    const url = (scheme: string) => `${scheme}://user:${SECRET}@127.0.0.1:1`;
    const { code, stdout } = await ended({
      tracers: {
        jlinc: {
          module: 'tracers.jlinc',
          options: { data_store_api_url: 'http://127.0.0.1:1', data_store_api_key: SECRET, directory: './j' },
        },
        external: {
          module: 'tracers.external_audit',
          options: { api_url: `http://127.0.0.1:1/?key=${SECRET}`, api_key: SECRET, system_id: 's' },
        },
        db: { module: 'tracers.db_audit', options: { url: `${url('postgres')}/database` } },
      },
      vcon_store: { type: 'redis', url: url('redis') },
      receivers: { http: { port: 0, token: SECRET }, redis_stream: { url: url('rediss') } },
      exporters: { otlp: { endpoint: url('http'), headers: { authorization: SECRET } } },
    });
    expect(code).toBe(1);
    expect(stdout.match(/^✗/gm)).toHaveLength(7);
  });
});
