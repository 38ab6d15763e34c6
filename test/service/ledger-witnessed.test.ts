import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parseConfig } from '../../src/config/load-config.ts';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';
import { ledgerSigner } from '../../src/ledger/index.ts';
import { cosignaturesOf, cosignerOf, parseWitnessKey } from '../../src/ledger/proof/cosignature.ts';
import { generateKey, parseVerifierKey } from '../../src/ledger/proof/note.ts';
import { Witness } from '../../src/ledger/witness/witness.ts';
import { startWitnessServer } from '../../src/ledger/witness/witness-server.ts';
import { startService } from '../../src/service/service.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ORIGIN = 'ledger.example/served';
const cosigner = cosignerOf('witness.example/w1', generateKey());

/** Starts a service whose ledger has a witness, and asks it what it says of itself. */
async function serve(directory: string, url: string) {
  const service = await startService(
    parseConfig({
      log_level: 'error',
      shutdown_timeout: '2s',
      admin: { port: 0 },
      tracers: {
        audit: {
          module: 'tracers.compliance',
          options: {
            directory,
            origin: ORIGIN,
            include_content_hash: false,
            checkpoint: { every: 1 },
            witnesses: [{ url, key: cosigner.vkey }],
            allow_private_hosts: ['127.0.0.1'],
          },
        },
      },
    }),
  );
  onTestFinished(() => service.shutdown());
  return {
    trace: () => traceChain({ name: 'main', links: [] }, 'V', () => {}),
    stop: () => service.shutdown(),
    async troubles() {
      const answer = await fetch(`${service.adminUrl}/readyz`);
      const { troubles } = (await answer.json()) as { troubles: readonly string[] };
      return { status: answer.status, troubles: troubles.join('\n') };
    },
  };
}

test('/readyz says that a quorum of witnesses is missing, and is ready all the same', async () => {
  const directory = join(temporaryFolder(), 'ledger');
  const service = await serve(directory, `http://127.0.0.1:${await freePort()}`);
  await service.trace();
  expect(await service.troubles()).toEqual({ status: 200, troubles: '' });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * 3_600_000 });
  onTestFinished(() => void vi.useRealTimers());
  const { status, troubles } = await service.troubles();
  expect(status).toBe(200);
  expect(troubles).toContain('fewer than 1 witnesses have cosigned a checkpoint for 180 minutes');
});

test('a service with an older copy of its ledger records nothing more, by what a witness has seen', async () => {
  const folder = temporaryFolder();
  const [directory, older] = [join(folder, 'ledger'), join(folder, 'older')];
  mkdirSync(directory);
  const { signer } = ledgerSigner(directory, ORIGIN);
  const book = new Witness({
    directory: join(folder, 'witness'),
    cosigner,
    logs: [{ origin: ORIGIN, verifiers: [parseVerifierKey(signer.vkey)] }],
    notice: () => {},
  });
  const server = await startWitnessServer(book, { host: '127.0.0.1', port: 0 }, 'witness');
  onTestFinished(async () => {
    await server.close();
    await book.close();
  });
  const checkpoint = () => readFileSync(join(directory, 'checkpoint'), 'utf8');
  const records = () =>
    readFileSync(join(directory, 'segments', `${'0'.repeat(20)}.jsonl`), 'utf8')
      .trim()
      .split('\n');
  const isCosigned = (size: number) =>
    existsSync(join(directory, 'checkpoint')) &&
    checkpoint().split('\n')[1] === `${size}` &&
    cosignaturesOf(checkpoint(), [parseWitnessKey(cosigner.vkey)])?.length === 1;
  const run = async (size: number) => {
    const service = await serve(directory, server.url);
    await service.trace();
    await eventually('it is recorded and cosigned', () => (isCosigned(size) ? true : undefined));
    await service.stop();
  };
  await run(2);
  cpSync(directory, older, { recursive: true });
  await run(4);
  rmSync(directory, { recursive: true });
  cpSync(older, directory, { recursive: true });

  const service = await serve(directory, server.url);
  await service.trace();
  const { troubles } = await eventually('it is told', async () => {
    const told = await service.troubles();
    return told.troubles.includes('a witness') ? told : undefined;
  });
  expect(troubles).toContain('a witness');
  const there = [records(), checkpoint()];
  await service.trace();
  await service.stop();
  expect([records(), checkpoint()]).toEqual(there);
});
