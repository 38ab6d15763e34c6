import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import auditLog from '../../src/tracers/audit-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { validated } from './configured.ts';
import { differs, type Item, same } from './item.ts';
import { CHAIN, eventsOf, pass, UUID } from './passage.ts';

const MY_TRACER = { 'tracers/my_tracer/index.mjs': 'export const trace = () => {};' };
const chains = {
  audited_chain: {
    links: ['transcribe'],
    storages: ['postgres'],
    tracers: ['my_tracer'],
    ingress_lists: ['default'],
    enabled: 1,
  },
};
const tracers = { my_tracer: { module: 'tracers.my_tracer', options: { include_vcon_data: true } } };

/** The lines that `audit_log` writes of a passage, as JSON. */
async function written(options: object = {}): Promise<Record<string, unknown>[]> {
  const log_file = join(temporaryFolder(), 'audit.log');
  await pass({ tracers: { log: { module: 'tracers.audit_log', options: { log_file, ...options } } } });
  const lines = readFileSync(log_file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** Whether a chain with these keys is valid. */
async function chainIsValid(keys: object): Promise<void> {
  expect((await validated({ chains: { audited_chain: keys } })).code).toBe(0);
}

/** The basic tracer, where it lies and how it is configured. */
export const basicTracer: readonly Item[] = [
  same('A13', 'a tracer is a directory of its own', async () => {
    const { lines } = await validated({ tracers }, MY_TRACER);
    expect(lines).toContain('✓ tracers.my_tracer');
  }),
  differs('A14', 'the log is /var/log/vcon/audit.log by default', () => {
    expect(auditLog.options?.parse({})).toMatchObject({ log_file: './data/audit.jsonl' });
  }),
  same('A15', 'include_vcon_data is false by default', () => {
    expect(auditLog.options?.parse({})).toMatchObject({ include_vcon_data: false });
  }),
  same('A16', 'a record has timestamp, vcon_uuid and event', async () => {
    const [first] = await written();
    expect(first).toMatchObject({ vcon_uuid: UUID, event: 'chain_start' });
    expect(Date.parse(String(first?.timestamp))).toBeGreaterThan(0);
  }),
  same('A17', 'vcon_summary counts parties and dialogs', async () => {
    const [first] = await written({ include_vcon_data: true });
    expect(first?.vcon_summary).toEqual({ parties: 3, dialog_count: 1 });
  }),
  same('A18', 'each event appends a line of JSON', async () => {
    const events = eventsOf(await pass());
    expect((await written()).map(({ event }) => event)).toEqual(events);
  }),
  same('A19', 'a tracer is configured by module and options', async () => {
    expect((await validated({ tracers }, MY_TRACER)).code).toBe(0);
  }),
  same('A20', 'tracers.my_tracer names a tracer of one’s own', async () => {
    expect((await validated({ tracers, chains }, MY_TRACER)).code).toBe(0);
    const { lines } = await validated({ tracers });
    expect(lines.join('\n')).toMatch(/✗ tracers\.my_tracer\.module: .*name your file/);
  }),
  same('A21', 'a chain has links', () => chainIsValid({ links: ['transcribe'] })),
  same('A22', 'a chain has storages', () => chainIsValid({ storages: ['postgres'] })),
  same('A23', 'a chain names its tracers', async () => {
    const other: string[] = [];
    const module = { trace: (_uuid: string, event: string) => void other.push(event) };
    const passage = await pass({
      tracers: { other: { module } },
      config: { chains: { [CHAIN.name]: { tracers: ['recording'] } } },
    });
    expect(eventsOf(passage)).not.toEqual([]);
    expect(other).toEqual([]);
  }),
  same('A24', 'a chain has ingress_lists', () => chainIsValid({ ingress_lists: ['default'] })),
  same('A25', 'enabled: 1 is accepted', () => chainIsValid({ enabled: 1 })),
  differs('A26', 'a chain is enabled or not', async () => {
    const { code, lines } = await validated({ chains: { audited_chain: { enabled: 0 } } });
    expect([code, lines.join('\n')]).toEqual([0, expect.stringMatching(/audited_chain.*enabled: 0/)]);
    const config = { chains: { [CHAIN.name]: { enabled: 0 } } };
    expect(eventsOf(await pass({ config }))).not.toEqual([]);
  }),
];
