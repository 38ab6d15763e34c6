import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkProof, parseVerifierKey } from '../../src/ledger/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { get, ledgerTracer, openRun, post, soon, start, UUID } from './started.ts';

async function startWithLedger() {
  const folder = temporaryFolder();
  const directory = join(folder, 'ledger');
  const anchor = join(folder, 'anchor');
  const mirror = { type: 'directory', path: join(folder, 'mirror') };
  mkdirSync(mirror.path);
  const service = await start({ tracers: { trail: ledgerTracer(directory, { anchor, mirror }) } });
  return { ...service, directory, anchor };
}

describe('the ledgers', () => {
  test('are told with what is signed, by whom and when, the anchor and the mirror', async () => {
    const { adminUrl, directory, anchor } = await startWithLedger();
    await openRun().end();
    const vkey = readFileSync(join(directory, 'ledger.vkey'), 'utf8').trim();
    await soon(async () =>
      expect(await get(`${adminUrl}/api/ledgers`)).toEqual({
        ledgers: [
          {
            tracer: 'trail',
            directory,
            standing: {
              origin: vkey.split('+')[0],
              key: vkey,
              size: 4,
              checkpoint: { size: 4, time: expect.any(Number) },
              policy: '7_years',
              witnesses: [],
              anchor: { path: anchor, size: 4 },
              mirror: { place: expect.any(String), records: 0, seconds: 0 },
              troubles: [],
            },
            verification: null,
          },
        ],
      }),
    );
  });

  test('are verified when somebody asks, and what was found is remembered', async () => {
    const { adminUrl } = await startWithLedger();
    await openRun().end();
    await soon(async () =>
      expect((await get(`${adminUrl}/api/ledgers`)).ledgers[0].standing.checkpoint.size).toBe(4),
    );
    expect(await post(`${adminUrl}/api/verify`, { tracer: 'trail' })).toEqual({
      status: 200,
      body: { begun: true },
    });
    await soon(async () =>
      expect((await get(`${adminUrl}/api/ledgers`)).ledgers[0].verification).toMatchObject({
        is: 'done',
        verdict: 'intact',
        lines: expect.arrayContaining(['✓ intact']),
      }),
    );
  });

  test('prove what they have of a vCon, to whoever has the key', async () => {
    const { adminUrl } = await startWithLedger();
    await openRun().end();
    // Upper and lower case are the same uuid.
    const address = `${adminUrl}/api/records?uuid=${UUID.toUpperCase()}`;
    await soon(async () =>
      expect((await get(address)).ledgers[0]).toMatchObject({
        content_key: 'none',
        bundle: { records: { length: 4 }, unsigned: 0 },
      }),
    );
    const [{ bundle, keys }] = (await get(address)).ledgers;
    expect(checkProof(JSON.stringify(bundle), keys.map(parseVerifierKey))).toMatchObject({
      verdict: 'proven',
      records: 4,
    });
  });

  test('record who downloads a proof', async () => {
    const { adminUrl, directory } = await startWithLedger();
    await openRun().end();
    const asked = { tracer: 'trail', uuid: UUID, actor: 'Ada' };
    await soon(async () =>
      expect(await post(`${adminUrl}/api/proof`, asked)).toMatchObject({
        status: 200,
        body: { bundle: { vcon_uuid: UUID }, unrecorded: [] },
      }),
    );
    await soon(async () => {
      const [{ bundle }] = (await get(`${adminUrl}/api/records?uuid=${UUID}`)).ledgers;
      const records = bundle.records.map(({ record }: { record: string }) => JSON.parse(record));
      expect(records).toContainEqual(
        expect.objectContaining({ event: 'vcon_proved', actor: 'Ada', with_content_key: false }),
      );
    });
    expect(await post(`${adminUrl}/api/proof`, { ...asked, tracer: 'other' })).toEqual({
      status: 422,
      body: { error: 'no tracer other keeps a ledger' },
    });
    expect(readFileSync(join(directory, 'checkpoint'), 'utf8')).not.toBe('');
  });
});
