import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { JlincServer } from '../tracers/jlinc/jlinc-server.ts';
import { keptReceipts } from '../tracers/jlinc/kept-receipts.ts';
import { validated } from './configured.ts';
import { differs, type Item, same } from './item.ts';
import { DOCUMENT, pass, UUID } from './passage.ts';

/** The block of the page. */
const DOCUMENTED = {
  data_store_api_url: 'http://jlinc-server:9090',
  data_store_api_key: 'your_data_store_api_key',
  archive_api_url: 'http://jlinc-server:9090',
  archive_api_key: 'your_archive_api_key',
  system_prefix: 'VCONTest',
  agreement_id: '00000000-0000-0000-0000-000000000000',
  hash_event_data: true,
  dlq_vcon_on_error: true,
};

/** A passage with JLINC, what it was sent and what was kept. */
async function audited(more: object = {}) {
  const server = await new JlincServer().start();
  onTestFinished(() => server.close());
  const directory = join(temporaryFolder(), 'jlinc');
  const options = {
    ...DOCUMENTED,
    data_store_api_url: server.url,
    archive_api_url: server.url,
    allow_private_hosts: ['127.0.0.1'],
    directory,
    ...more,
  };
  const passage = await pass({ tracers: { jlinc: { module: 'tracers.jlinc', options } } });
  return { ...passage, server, receipts: await keptReceipts(directory) };
}

/** JLINC's zero-knowledge audit. */
export const jlincItems: readonly Item[] = [
  same('B14', 'receipts are signed', async () => {
    const { receipts } = await audited();
    expect(receipts.length).toBe(3);
    for (const receipt of receipts) expect(JSON.stringify(receipt)).toMatch(/"signature/);
  }),
  same('B15', 'an auditor sees no content', async () => {
    const { server } = await audited();
    const sent = JSON.stringify(server.events);
    for (const secret of ['+15550100', 'hello']) expect(sent).not.toContain(secret);
  }),
  same('B16', 'entities are made for each stage', async () => {
    const { server } = await audited();
    expect(server.entities.map((name) => name.split('@')[0]).sort()).toEqual([
      ...['vcontest-analyze', 'vcontest-system', 'vcontest-transcribe'],
    ]);
  }),
  same('B17', 'data is hashed if it is to be', async () => {
    const hashed = await audited();
    expect(hashed.server.events[0]?.data).toMatchObject({ hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const whole = await audited({ hash_event_data: false });
    expect(whole.server.events[0]?.data).toEqual(JSON.parse(DOCUMENT));
  }),
  same('B18', 'an archive is named with each event', async () => {
    const { server } = await audited();
    expect(server.events[0]?.archive).toMatchObject({ key: 'your_archive_api_key' });
  }),
  same('B19', 'the documented options are taken as they are', async () => {
    const tracers = { jlinc: { module: 'tracers.jlinc', options: DOCUMENTED } };
    const vcon_store = { type: 'directory', path: '.' };
    const { code, lines } = await validated({ tracers, vcon_store });
    expect([code, lines.join('\n')]).toEqual([0, expect.stringMatching(/^✓ tracers\.jlinc/m)]);
  }),
  differs('B20', 'the data store is at jlinc-server:9090, in the same network', async () => {
    const { result, server } = await audited({ dlq_vcon_on_error: false });
    expect([result.outcome, server.events.length]).toEqual(['complete', 3]);
    const refused = await new JlincServer().start();
    onTestFinished(() => refused.close());
    const options = { ...DOCUMENTED, data_store_api_url: refused.url, dlq_vcon_on_error: false };
    const delivery = { retry: { max_attempts: 1 } };
    await pass({ tracers: { jlinc: { module: 'tracers.jlinc', options, delivery } } });
    expect(refused.calls).toEqual([]);
  }),
  differs('B21', 'the system is {system_prefix}-system@{domain}', async () => {
    const { server } = await audited();
    expect(server.entities[0]).toBe('vcontest-system@vcon.local');
  }),
  differs('B22', 'a link is {system_prefix}-{link_name}@{domain}', async () => {
    const { server } = await audited();
    expect(server.entities).toContain('vcontest-transcribe@vcon.local');
  }),
  differs('B23', 'documents are read from Redis', async () => {
    const tracers = { jlinc: { module: 'tracers.jlinc', options: DOCUMENTED } };
    const { lines } = await validated({
      tracers,
      vcon_store: { type: 'redis', url: 'redis://127.0.0.1:6379' },
    });
    expect(lines).toContain('✓ vcon_store: redis');
  }),
  same('B24', 'sender and recipient follow the links', async () => {
    const { server } = await audited();
    const names = server.events.map(({ senderShortName, recipientShortName }) =>
      [senderShortName, recipientShortName].map((name) => name.replace(/^vcontest-|@.*$/g, '')),
    );
    expect(names).toEqual([
      ['system', 'transcribe'],
      ['transcribe', 'analyze'],
      ['analyze', 'system'],
    ]);
  }),
  same('B25', 'each event is sent to be signed', async () => {
    const { server, receipts } = await audited();
    expect(server.calls.filter(({ call }) => call === 'event/produce')).toHaveLength(receipts.length);
  }),
  same('B26', 'the trail has signatures, hashes, uuids, links and times', async () => {
    const { receipts, server } = await audited();
    expect(server.events[1]?.meta).toMatchObject({ in_vcon_uuid: UUID, out_vcon_uuid: UUID });
    expect(receipts[1]).toMatchObject({ link_index: 0, chain: 'audited_chain' });
  }),
];
