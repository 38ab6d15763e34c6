import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, parseConfig } from '../../src/config/load-config.ts';
import { DeliveryError } from '../../src/model/delivery-error.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { get, ledgerTracer, openRun, post, soon, start, TOKEN, UUID } from './started.ts';

const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

/** A service with a tracer that takes nothing until it is told to, and a ledger. */
async function startWithDeadLetters(actions = true) {
  const folder = temporaryFolder();
  const heard: string[] = [];
  const mine = { isDown: true };
  const service = await start(
    {
      journal: { type: 'sqlite', path: join(folder, 'journal.db') },
      tracers: {
        trail: ledgerTracer(join(folder, 'ledger')),
        mine: {
          module: {
            trace(_uuid: string, event: string) {
              if (mine.isDown) throw new DeliveryError('it is refused', { permanent: true });
              heard.push(event);
            },
          },
        },
      },
    },
    { token: TOKEN, actions },
  );
  await openRun().end();
  const letters = async () => (await get(`${service.adminUrl}/api/dead?tracer=mine`, AUTHORIZED)).letters;
  await soon(async () => expect(await letters()).toHaveLength(4));
  return { ...service, heard, mine, letters };
}

/** What the ledger has of what operators did. */
async function recordedDeeds(adminUrl: string): Promise<unknown[]> {
  const { ledgers } = await get(`${adminUrl}/api/ledgers`, AUTHORIZED);
  const { exportRecords } = await import('../../src/ledger/index.ts');
  const deeds: unknown[] = [];
  for (const line of exportRecords(ledgers[0].directory, 'jsonl', '0')) {
    const record = JSON.parse(line);
    if ('system_user' in record) deeds.push(record);
  }
  return deeds;
}

describe('dead letters', () => {
  test('are retried, one or all, and each deed is recorded in the ledger', async () => {
    const { adminUrl, heard, mine, letters } = await startWithDeadLetters();
    const [newest] = await letters();
    expect(newest).toMatchObject({ event: 'chain_complete', state: 'dead', error_type: 'DeliveryError' });
    mine.isDown = false;
    const one = { tracer: 'mine', events: [newest.event_id], actor: 'Ada' };
    expect(await post(`${adminUrl}/api/retry`, one, AUTHORIZED)).toEqual({
      status: 200,
      body: { changed: 1, left: 0, unrecorded: [] },
    });
    await soon(() => expect(heard).toEqual(['chain_complete']));
    const all = { tracer: 'mine', actor: 'Grace' };
    expect((await post(`${adminUrl}/api/retry`, all, AUTHORIZED)).body).toMatchObject({ changed: 3 });
    await soon(() => expect(heard).toHaveLength(4));
    await soon(async () =>
      expect(await recordedDeeds(adminUrl)).toMatchObject([
        {
          event: 'events_requeued',
          actor: 'Ada',
          tracer: 'mine',
          events: 1,
          event_ids: [newest.event_id],
        },
        { event: 'events_requeued', actor: 'Grace', events: 3 },
      ]),
    );
  });

  test('are skipped, and then are none', async () => {
    const { adminUrl, heard, mine, letters } = await startWithDeadLetters();
    mine.isDown = false;
    const all = { tracer: 'mine', actor: 'Ada' };
    expect((await post(`${adminUrl}/api/skip`, all, AUTHORIZED)).body).toMatchObject({ changed: 4 });
    expect(await letters()).toEqual([]);
    expect((await post(`${adminUrl}/api/retry`, all, AUTHORIZED)).body).toEqual({
      changed: 0,
      left: 0,
      unrecorded: [],
    });
    await soon(async () =>
      expect(await recordedDeeds(adminUrl)).toMatchObject([{ event: 'events_skipped', events: 4 }]),
    );
    expect(heard).toEqual([]);
  });
});

test('events are replayed: as many as the plan has said, and recorded', async () => {
  const { adminUrl, heard, mine } = await startWithDeadLetters();
  mine.isDown = false;
  const plan = (query: string) => get(`${adminUrl}/api/plan?tracer=mine${query}`, AUTHORIZED);
  expect(await plan('')).toEqual({ events: 4, waiting: 0, isNew: false });
  expect(await plan(`&since=${Date.now() + 60_000}`)).toMatchObject({ events: 0 });
  const aim = { tracer: 'mine', vcon: UUID, actor: 'Ada' };
  expect((await post(`${adminUrl}/api/replay`, aim, AUTHORIZED)).body).toMatchObject({ changed: 4 });
  await soon(() => expect(heard).toEqual(['chain_start', 'link_start', 'link_complete', 'chain_complete']));
  await soon(async () =>
    expect(await recordedDeeds(adminUrl)).toMatchObject([
      { event: 'events_replayed', tracer: 'mine', events: 4, vcon_uuid: UUID },
    ]),
  );
  const unknown = await post(`${adminUrl}/api/replay`, { tracer: 'other', actor: 'Ada' }, AUTHORIZED);
  expect(unknown).toEqual({ status: 422, body: { error: 'the journal knows no tracer other' } });
});

describe('who may do it', () => {
  test('nobody, unless the configuration says so', async () => {
    const { adminUrl, letters } = await startWithDeadLetters(false);
    for (const path of ['retry', 'skip', 'replay']) {
      const refused = await post(`${adminUrl}/api/${path}`, { tracer: 'mine', actor: 'Ada' }, AUTHORIZED);
      expect([path, refused.status]).toEqual([path, 403]);
      expect(refused.body.error).toContain('admin.actions');
    }
    expect(await letters()).toHaveLength(4);
  });

  test('a configuration that says so without a token is refused', () => {
    expect(() => parseConfig({ admin: { actions: true } }, {})).toThrow(ConfigError);
    expect(() => parseConfig({ admin: { actions: true } }, {})).toThrow('admin.actions: needs `token`');
  });

  test('nobody without the token, and nobody who brings the cookie from another site', async () => {
    const { adminUrl, letters } = await startWithDeadLetters();
    const session = await fetch(`${adminUrl}/api/session`, { method: 'POST', headers: AUTHORIZED });
    const [cookie = ''] = (session.headers.get('set-cookie') ?? '').split(';');
    const all = { tracer: 'mine', actor: 'Ada' };
    const { host } = new URL(adminUrl);
    const tries: [headers: Record<string, string>, status: number][] = [
      [{}, 401],
      [{ cookie }, 403],
      [{ cookie, origin: 'http://localhost:1' }, 403],
      [{ cookie, origin: 'http://evil.example' }, 403],
      [{ cookie, origin: adminUrl, 'sec-fetch-site': 'same-site' }, 403],
      [{ cookie, origin: adminUrl, 'content-type': 'text/plain' }, 403],
      [{ cookie, origin: `http://${host}` }, 200],
    ];
    for (const [headers, status] of tries) {
      if (status === 200) expect(await letters()).toHaveLength(4);
      const { status: given } = await post(`${adminUrl}/api/skip`, all, headers);
      expect([headers, given]).toEqual([headers, status]);
    }
    expect(await letters()).toEqual([]);
  });

  test('nobody who does not say who they are, or asks for something else', async () => {
    const { adminUrl } = await startWithDeadLetters();
    const skip = (body: object) => post(`${adminUrl}/api/skip`, body, AUTHORIZED);
    expect((await skip({ tracer: 'mine', actor: '' })).body.error).toContain('say who you are');
    expect((await skip({ tracer: 'mine', actor: 'ledger' })).status).toBe(422);
    expect((await skip({ actor: 'Ada' })).body).toEqual({ error: 'tracer: is required' });
    expect((await skip({ tracer: 'mine', actor: 'Ada', all: true })).status).toBe(422);
    expect((await skip({ tracer: 'mine', actor: 'x'.repeat(70_000) })).status).toBe(413);
    const response = await fetch(`${adminUrl}/api/skip`, { headers: AUTHORIZED });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });
});
