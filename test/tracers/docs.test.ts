import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseConfig } from '../../src/config/load-config.ts';
import type { Options } from '../../src/model/tracer.ts';
import { tracersOf } from '../../src/service/components.ts';
import { componentFaults } from '../../src/service/named-component.ts';
import { builtInTracers } from '../../src/tracers/registry.ts';
import { memoryVconStore } from '../../src/vcon-store/memory.ts';
import { startServer } from '../outgoing/misbehaving-server.ts';
import { PATIENCE } from '../support/eventually.ts';
import { eventContext, linkContext, started } from './started.ts';

const UUID = '018f0000-0000-8000-8000-000000000001';

/** A tracer's page: `tracers.audit_log` has docs/tracers/audit-log.md. */
function pageOf(module: string): Promise<string> {
  const file = `${module.replace('tracers.', '').replaceAll('_', '-')}.md`;
  return readFile(join(import.meta.dirname, '../../docs/tracers', file), 'utf8');
}

/** The contents of a page's code blocks in a language. */
function blocks(page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    ([, code = '']) => code,
  );
}

/** A default as it stands in YAML. */
function written(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Rows `| `key` | type | default | …` of the table under `## Options`: key and default, `required`, or `none`. */
function optionsTable(page: string): Record<string, unknown> {
  const [, section = ''] = page.split('\n## Options\n');
  const [table = ''] = section.split('\n## ');
  const rows = table.matchAll(/^\| `(\w+)` \|[^|]*\| (?:`([^`]*)`|(required|none)) \|/gm);
  return Object.fromEntries([...rows].map(([, key = '', value, word]) => [key, value ?? word]));
}

describe.each([...builtInTracers])('the page of %s', (module, { options }) => {
  test('says what it is for, what it needs and what happens when something fails', async () => {
    const page = await pageOf(module);
    // Its title, then a sentence before anything else.
    expect(page).toMatch(/^# \w+\n\n[A-Z][^\n]{40}/);
    const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings[0]).toBe('Options');
    expect(headings).toEqual(expect.arrayContaining(['Requirements', 'When something fails']));
  });

  test('lists its options and their defaults', async () => {
    const schema = z.toJSONSchema(options ?? z.strictObject({}), { io: 'input', unrepresentable: 'any' });
    const absent = (key: string) => (schema.required?.includes(key) ? 'required' : 'none');
    const expected = Object.entries(schema.properties ?? {}).map(([key, property]) => [
      key,
      typeof property === 'object' && 'default' in property ? written(property.default) : absent(key),
    ]);
    expect(optionsTable(await pageOf(module))).toEqual(Object.fromEntries(expected));
  });

  test('shows configurations that work', async () => {
    const examples = blocks(await pageOf(module), 'yaml');
    expect(examples).not.toEqual([]);
    for (const example of examples) {
      const tracers = z
        .record(
          z.string(),
          z.strictObject({ module: z.string(), options: z.record(z.string(), z.unknown()) }),
        )
        .parse(parse(example).tracers);
      for (const entry of Object.values(tracers)) expect(entry.module).toBe(module);
      for (const tracer of tracersOf(
        parseConfig({ tracers, vcon_store: { type: 'directory', path: '.' } }, {}),
      ))
        expect(await componentFaults(tracer)).toEqual([]);
    }
  });
});

describe('what the pages show is what is written', () => {
  test('by audit_log', async () => {
    const shown = blocks(await pageOf('tracers.audit_log'), 'json');
    const directory = await mkdtemp(join(tmpdir(), 'vcon-otel-docs-'));
    const vcons = memoryVconStore();
    await vcons.write(UUID, JSON.stringify({ uuid: UUID, parties: [{}, {}], dialog: [{}, {}, {}] }));
    const write = async (options: Options, call: 'trace' | 'run') => {
      const log_file = join(directory, `${Object.keys(options).join()}.jsonl`);
      const { trace, run, shutdown } = await started('tracers.audit_log', { log_file, ...options }, vcons);
      if (call === 'trace') await trace(UUID, 'link_complete', linkContext());
      else await run(UUID, UUID, 1, linkContext());
      await shutdown();
      return readFile(log_file, 'utf8');
    };
    try {
      expect(shown).toEqual([
        await write({}, 'trace'),
        await write({ include_vcon_data: true }, 'trace'),
        await write({ record: 'run' }, 'run'),
      ]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('by db_audit', async () => {
    const [shown] = blocks(await pageOf('tracers.db_audit'), 'json');
    const directory = await mkdtemp(join(tmpdir(), 'vcon-otel-docs-'));
    const database = join(directory, 'audit.db');
    try {
      const { trace, shutdown } = await started('tracers.db_audit', { database });
      await trace(UUID, 'link_complete', linkContext());
      await shutdown();
      const file = new DatabaseSync(database, { readOnly: true });
      const row = file.prepare('SELECT * FROM vcon_events').get();
      file.close();
      expect(shown).toBe(`${JSON.stringify({ ...row, metadata: JSON.parse(String(row?.metadata)) })}\n`);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('by external_audit', async () => {
    const [single = '', batch = ''] = blocks(await pageOf('tracers.external_audit'), 'json');
    const [headers = ''] = blocks(await pageOf('tracers.external_audit'), 'http');
    const server = await startServer((response) => response.end());
    vi.useFakeTimers({ toFake: ['Date'], now: 1_772_366_400_750 });
    try {
      for (const batch_size of [1, 2]) {
        const { trace, shutdown } = await started('tracers.external_audit', {
          api_url: String(server.url),
          api_key: 'your-api-key',
          system_id: 'conserver-berlin',
          signing_key: 'an example signing key',
          allow_private_hosts: ['127.0.0.1'],
          batch_size,
        });
        await trace(UUID, 'link_complete', linkContext());
        await shutdown();
      }
    } finally {
      vi.useRealTimers();
      await server.close();
    }
    expect([single, batch]).toEqual(server.received.map(({ body }) => `${body}\n`));
    const shown = headers.trimEnd().split('\n');
    const sent = server.received[0]?.headers ?? {};
    expect(shown).toEqual(
      shown.map((line) => line.split(': ')[0] ?? '').map((name) => `${name}: ${sent[name]}`),
    );
  });

  test('by compliance, but for its times and hashes', async () => {
    const shown = blocks(await pageOf('tracers.compliance'), 'json');
    const directory = await mkdtemp(join(tmpdir(), 'vcon-otel-docs-'));
    const vcons = memoryVconStore();
    await vcons.write(UUID, '{}');
    const { trace, shutdown } = await started('tracers.compliance', { directory }, vcons);
    await trace(UUID, 'link_complete', linkContext());
    const end = {
      eventId: '00f067aa0ba902b7/chain/complete',
      phase: 'complete',
      outcome: 'complete',
    } as const;
    await trace(UUID, 'chain_complete', eventContext(end));
    await shutdown();
    const written = await readFile(join(directory, 'segments/00000000000000000000.jsonl'), 'utf8');
    await rm(directory, { recursive: true });
    const alike = (text: string) =>
      text.replace(/"recorded_at":"[^"]+"/g, '"recorded_at":"…"').replace(/"[0-9a-f]{64}"/g, '"…"');
    expect(alike(shown.join(''))).toEqual(alike(written));
  });

  test('by attest, but for its hashes', async () => {
    const [shown] = blocks(await pageOf('tracers.attest'), 'json');
    const folder = await mkdtemp(join(tmpdir(), 'vcon-otel-docs-'));
    const directory = join(folder, 'attest');
    const options = { directory, ledger_directory: join(folder, 'ledger') };
    const { trace, shutdown } = await started('tracers.attest', options);
    await trace(UUID, 'link_complete', linkContext({ vconSha256: 'ab'.repeat(32) }));
    await shutdown();
    const [name = ''] = (await readdir(directory)).filter((file) => file.endsWith('.intoto.jsonl'));
    const { payload } = JSON.parse(await readFile(join(directory, name), 'utf8'));
    await rm(folder, { recursive: true });
    const alike = (text = '') => text.replace(/"[0-9a-f]{64}"/g, '"…"');
    expect(alike(shown)).toEqual(alike(`${Buffer.from(payload, 'base64')}\n`));
  });

  test('by metrics', async () => {
    const [shown = ''] = blocks(await pageOf('tracers.metrics'), 'text');
    const packets: string[] = [];
    const server = createSocket('udp4').on('message', (packet) => packets.push(packet.toString()));
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    const { trace, shutdown } = await started('tracers.metrics', { statsd_port: server.address().port });
    await trace(UUID, 'link_error', linkContext({ phase: 'error' }));
    await vi.waitUntil(() => packets.length >= 3, PATIENCE);
    await shutdown();
    server.close();
    expect(shown.trimEnd().split('\n').sort()).toEqual(packets.sort());
  });
});
