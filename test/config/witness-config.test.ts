import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadWitnessConfig } from '../../src/config/witness-config.ts';
import { newSigner } from '../ledger/written-ledger.ts';

const page = readFileSync(new URL('../../docs/ledger.md', import.meta.url), 'utf8');
const shown = /```yaml\n(name: witness[^`]*)```/.exec(page)?.[1] ?? '';
const { vkey } = newSigner('example.com/conserver');
const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-witness-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function load(yaml: string) {
  const file = join(folder, 'witness.yaml');
  writeFileSync(file, yaml);
  return loadWitnessConfig(file, {});
}

test('the file on the page is one, with the defaults on the page', async () => {
  const written = shown.replace(/example[.]com\/conserver[+]\S+/, vkey);
  const config = await load(written);
  expect(config).toMatchObject({ name: 'witness.example.com/w1', logs: [{ key: vkey }] });
  const { directory } = await load(written.replace(/directory: .*/, ''));
  const section = page.slice(page.indexOf('### Running one'));
  expect(section).toContain(`| \`directory\` | string | \`${directory}\` |`);
  expect(section).toContain(
    `| \`host\`, \`port\` | string, number | \`${config.host}\`, \`${config.port}\` |`,
  );
  for (const key of Object.keys(config)) expect(section).toContain(`\`${key}\``);
});

test('each fault is told with its place, and no value', async () => {
  await expect(load('name: a b\nkey_file: k\nlogs:\n  - key: secret\n')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    faults: [
      { path: 'name', message: expect.not.stringContaining('a b') },
      { path: 'logs[0].key', message: expect.not.stringContaining('secret'), place: expect.anything() },
    ],
  });
  const open = `name: w\nkey_file: k\nlogs: [{ key: ${vkey} }]\nhost: 0.0.0.0\n`;
  await expect(load(open)).rejects.toMatchObject({ faults: [{ path: 'host' }] });
  await expect(load(`${open}allow_anonymous: true\n`)).resolves.toMatchObject({ host: '0.0.0.0' });
});
