import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startNode, startVconOtel, vconOtel } from './command-line.ts';

const LAUNCHER = new URL('../../bin/vcon-otel.js', import.meta.url).href;
/** What a careless system gives everybody. */
const CARELESS = ['--import', 'data:text/javascript,process.umask(0)', new URL(LAUNCHER).pathname];

/** What of a folder others may read or write. */
function openToOthers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => (statSync(join(folder, name)).mode & 0o077) !== 0,
  );
}

test('whatever the demo makes is its owner’s alone', async () => {
  const cwd = temporaryFolder();
  expect((await startNode([...CARELESS, 'demo'], { cwd }).ended).code).toBe(0);
  const [folder = ''] = readdirSync(cwd);
  expect(statSync(join(cwd, folder)).mode & 0o777).toBe(0o700);
  expect(openToOthers(cwd)).toEqual([]);
});

test('what a service makes is so while it runs, and what was open before is said', async () => {
  const cwd = temporaryFolder();
  const config = join(cwd, 'config.yml');
  const trail = { driver: 'sqlite', database: './data/trail.db' };
  const sections = {
    journal: { type: 'sqlite', path: './data/journal.db' },
    tracers: {
      log: { module: 'tracers.audit_log', options: { log_file: './data/audit.jsonl' } },
      trail: { module: 'tracers.db_audit', options: trail },
      ledger: {
        module: 'tracers.compliance',
        options: { directory: './data/ledger', include_content_hash: false },
      },
    },
    exporters: { otlp_file: { path: './data/traces.jsonl' } },
    health: { port: 0 },
  };
  writeFileSync(config, JSON.stringify(sections), { mode: 0o600 });
  const first = startNode([...CARELESS, 'serve', config], { cwd });
  await first.printed('ends it.');
  expect(openToOthers(cwd)).toEqual([]);
  first.child.kill();
  expect((await first.ended).stderr).not.toContain('open to others');

  const opened = ['journal.db', 'audit.jsonl', 'trail.db', 'ledger', 'traces.jsonl'];
  for (const name of opened) chmodSync(join(cwd, 'data', name), name === 'ledger' ? 0o755 : 0o644);
  const doctor = await vconOtel(['doctor', config], { cwd });
  const second = startVconOtel(['serve', config], { cwd });
  await second.printed('ends it.');
  second.child.kill();
  const { stderr } = await second.ended;
  for (const name of opened) {
    const sentence = `./data/${name} is open to others (${name === 'ledger' ? '0755' : '0644'}): chmod`;
    expect(stderr).toContain(sentence);
    expect(doctor.stdout).toContain(sentence);
  }
});
