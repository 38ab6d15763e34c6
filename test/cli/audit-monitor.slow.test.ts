import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openLedger } from '../../src/ledger/index.ts';
import { servedDirectory } from '../ledger/monitor/served-directory.ts';
import { entries, newSigner, settingsFor, writeLedger } from '../ledger/written-ledger.ts';
import { MISBEHAVIOURS } from '../outgoing/misbehaving-server.ts';
import { PATIENCE } from '../support/eventually.ts';
import { jsonLines, startVconOtel, temporaryFolder } from './command-line.ts';

//  Slow: processes of ours that are ended.

const signer = newSigner();
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ledger: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  ledger = join(folder.path, 'ledger');
  mkdirSync(ledger);
  await writeLedger(ledger, signer, 30);
});
afterEach(() => folder.remove());

const start = (...args: string[]) =>
  startVconOtel(
    ['audit', 'monitor', ...args, '--key', signer.vkey, '--every', '50ms', '--json', '--metrics-port', '0'],
    { cwd: folder.path },
  );

test('it goes on until it is told to end, and shows in metrics what it finds', async () => {
  const { child, said, printed, ended } = start('ledger');
  let told = '';
  child.stderr?.on('data', (text: string) => {
    told += text;
  });
  await said('metrics are on');
  const [url = ''] = /http:\S+/.exec(told) ?? [];
  await printed('"size":30');
  const scraped = async () => (await fetch(url)).text();
  await vi.waitFor(async () => {
    const text = await scraped();
    expect(text).toMatch(/^vcon_monitor_records\{.*vcon_ledger_name="\S+ledger".*\} 30$/m);
    expect(text).toMatch(/^vcon_monitor_findings\{.*vcon_monitor_finding="LEDGER_FORKED".*\} 0$/m);
    expect(text).toMatch(/^vcon_monitor_checkpoint_age_seconds\{.*\} [\d.]+$/m);
    expect(text).toMatch(/^vcon_monitor_verified_age_seconds\{.*\} [\d.]+$/m);
    expect(text).not.toContain('quorum_age');
  }, PATIENCE);
  expect((await fetch(url.replace('/metrics', '/healthz'))).status).toBe(200);

  const grown = openLedger(settingsFor(ledger, signer));
  await Promise.all(entries(10, 30).map((entry) => grown.append(entry)));
  await grown.close();
  await printed('"size":40');

  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  expect(jsonLines(stdout).every(({ kind }) => kind === 'round')).toBe(true);
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends it at once, even while a place does not answer',
  async (signal) => {
    const server = await servedDirectory(ledger);
    try {
      server.acts.set('*', MISBEHAVIOURS.hang);
      const { child, ended } = start(server.url.href, '--allow-private-host', '127.0.0.1');
      await vi.waitFor(() => expect(server.received.length).toBeGreaterThan(0), PATIENCE);
      child.kill(signal);
      expect(await ended).toMatchObject({ code: 0, stdout: '' });
    } finally {
      await server.close();
    }
  },
);
