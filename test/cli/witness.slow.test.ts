import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cosignaturesOf, parseWitnessKey } from '../../src/ledger/proof/cosignature.ts';
import { grownLog } from '../ledger/witness/grown-log.ts';
import { newSigner } from '../ledger/written-ledger.ts';
import { startVconOtel, temporaryFolder, vconOtel } from './command-line.ts';

//  Slow: processes of ours, of which some are killed.

const signer = newSigner('log.example/audit');
const log = grownLog(signer);
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

async function write(yaml: string): Promise<void> {
  await writeFile(join(folder.path, 'witness.yaml'), yaml);
}

const YAML = `name: witness.example/w1
key_file: witness.key
directory: witness
logs:
  - key: ${signer.vkey}
port: 0
`;

/** Starts it; its url and its key are on its screen. */
async function start() {
  const running = startVconOtel(['witness', 'witness.yaml'], { cwd: folder.path });
  let screen = '';
  running.child.stdout?.on('data', (text: string) => {
    screen += text;
  });
  await running.printed('Ctrl-C');
  const [, url = ''] = /witness {5}(http:\S+)/.exec(screen) ?? [];
  return { ...running, url, screen };
}

const ask = (url: string, body: string) => fetch(`${url}/add-checkpoint`, { method: 'POST', body });

test('a witness that is killed remembers what it cosigned, and has its folder alone', async () => {
  const { stdout: vkey } = await vconOtel(
    ['audit', 'keygen', '--witness', '--origin', 'witness.example/w1', '--out', 'witness.key'],
    { cwd: folder.path },
  );
  await write(YAML);
  const first = await start();
  expect(first.screen).toContain(`key         ${vkey}`);
  const answer = await ask(first.url, log.asks(0, 8));
  expect(answer.status).toBe(200);
  const key = parseWitnessKey(vkey.trim());
  expect(cosignaturesOf(log.checkpoint(8) + (await answer.text()), [key])).toHaveLength(1);

  const second = await vconOtel(['witness', 'witness.yaml'], { cwd: folder.path });
  expect(second).toMatchObject({ code: 1, stderr: 'vcon-otel: another witness uses witness\n' });

  first.child.kill('SIGKILL');
  await first.ended;
  const again = await start();
  expect(again.screen).toContain('log.example/audit, 8 records cosigned');
  const refused = await ask(again.url, log.asks(0, 20));
  expect([refused.status, await refused.text()]).toEqual([409, '8\n']);
  again.child.kill('SIGTERM');
  expect(await again.ended).toMatchObject({ code: 0 });
});

test('what is wrong with its file is told, and no key is made up', async () => {
  await write(YAML);
  const args = ['witness', 'witness.yaml'];
  expect(await vconOtel(args, { cwd: folder.path })).toMatchObject({
    code: 1,
    stderr: 'vcon-otel: key_file: there is no witness.key: vcon-otel audit keygen --witness creates it\n',
  });
  await write(`${YAML.replace(signer.vkey, 'no-key')}host: 0.0.0.0\nlog: []\n`);
  const { code, stderr } = await vconOtel(args, { cwd: folder.path });
  expect(code).toBe(1);
  expect(stderr).toContain('logs[0].key: expected a verifier key');
  expect(stderr).toContain('log: unknown key');
  await write(`${YAML}host: 0.0.0.0\n`);
  expect((await vconOtel(args, { cwd: folder.path })).stderr).toContain('host: can be reached from other');
  await expect(readFile(join(folder.path, 'witness.key'))).rejects.toMatchObject({ code: 'ENOENT' });
});
