import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type TracerCheck, testTracer } from '../../src/testing/index.ts';
import attest from '../../src/tracers/attest.ts';
import auditLog from '../../src/tracers/audit-log.ts';
import compliance from '../../src/tracers/compliance.ts';
import dbAudit from '../../src/tracers/db-audit.ts';
import externalAudit from '../../src/tracers/external-audit.ts';
import jlinc from '../../src/tracers/jlinc.ts';
import metrics from '../../src/tracers/metrics.ts';
import { startServer } from '../outgoing/misbehaving-server.ts';
import { describeWithPostgres, type PostgresServer, sharedPostgres } from '../postgres-server.ts';
import { JlincServer } from './jlinc/jlinc-server.ts';

const folder = () => mkdtemp(join(tmpdir(), 'vcon-otel-contract-'));

function testAll(checks: readonly TracerCheck[]): void {
  for (const { name, run } of checks) test(name, run);
}

describe('tracers.audit_log', () =>
  testAll(
    testTracer(auditLog, {
      prepare: async () => {
        const directory = await folder();
        const log_file = join(directory, 'audit.jsonl');
        return {
          options: { log_file, include_vcon_data: true },
          close: () => rm(directory, { recursive: true }),
        };
      },
      heard: async ({ options }) => {
        const text = await readFile(options.log_file, 'utf8');
        const lines = text.trimEnd().split('\n');
        return lines.map((line) => JSON.parse(line).metadata.event_id);
      },
    }),
  ));

describe('tracers.compliance', () =>
  testAll(
    testTracer(compliance, {
      prepare: async () => {
        const directory = await folder();
        return { directory, options: { directory }, close: () => rm(directory, { recursive: true }) };
      },
      heard: async ({ directory }) => {
        const text = await readFile(join(directory, 'segments/00000000000000000000.jsonl'), 'utf8');
        const records = text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line));
        return records.filter(({ run_id }) => run_id !== undefined).map(({ record_id }) => record_id);
      },
      once: true,
    }),
  ));

describe('tracers.attest', () =>
  testAll(
    testTracer(attest, {
      prepare: async () => {
        const directory = await folder();
        return {
          options: { directory: join(directory, 'attest'), ledger_directory: join(directory, 'ledger') },
          close: () => rm(directory, { recursive: true }),
        };
      },
    }),
  ));

describe('tracers.jlinc', () =>
  testAll(
    testTracer(jlinc, {
      prepare: async () => {
        const directory = await folder();
        const server = await new JlincServer().start();
        return {
          server,
          options: {
            data_store_api_url: server.url,
            data_store_api_key: 'kanari-api-key',
            allow_private_hosts: ['127.0.0.1'],
            directory,
          },
          close: async () => {
            await server.close();
            await rm(directory, { recursive: true });
          },
        };
      },
    }),
  ));

describe('tracers.metrics', () =>
  testAll(
    testTracer(metrics, {
      prepare: async () => {
        const server = createSocket('udp4').bind(0, '127.0.0.1');
        await once(server, 'listening');
        return { options: { statsd_port: server.address().port }, close: () => server.close() };
      },
    }),
  ));

describe('tracers.db_audit in SQLite', () =>
  testAll(
    testTracer(dbAudit, {
      prepare: async () => {
        const directory = await folder();
        const database = join(directory, 'audit.db');
        return { database, options: { database }, close: () => rm(directory, { recursive: true }) };
      },
      heard: ({ database }) => {
        const file = new DatabaseSync(database, { readOnly: true });
        const rows = file.prepare('SELECT event_id FROM vcon_events ORDER BY rowid').all();
        file.close();
        return rows.map(({ event_id }) => String(event_id));
      },
      once: true,
    }),
  ));

describeWithPostgres('tracers.db_audit in PostgreSQL', () => {
  let server: PostgresServer;
  let tables = 0;
  beforeAll(async () => {
    server = await sharedPostgres();
  });
  afterAll(() => server?.remove());
  testAll(
    testTracer(dbAudit, {
      prepare: async () => {
        const table = `events_${++tables}`;
        // The order in which rows came is not kept, unless it is asked for.
        await server.query(`CREATE TABLE ${table} (event_id text PRIMARY KEY, vcon_uuid text, event text,
          "timestamp" timestamptz, metadata jsonb, number bigserial)`);
        return { table, options: { url: server.url, table } };
      },
      heard: async ({ table }) => {
        const rows = await server.query<{ event_id: string }>(
          `SELECT event_id FROM ${table} ORDER BY number`,
        );
        return rows.map(({ event_id }) => event_id);
      },
      once: true,
      outage: { begin: () => server.kill(), end: () => server.start() },
    }),
  );
});

describe.each([1, 20])('tracers.external_audit in lists of up to %i', (batch_size) =>
  testAll(
    testTracer(externalAudit, {
      prepare: async () => {
        const heard = new Set<string>();
        let status = 200;
        const server = await startServer((response, { headers, body }) => {
          if (status === 200)
            for (const id of batch_size === 1
              ? [decodeURIComponent(String(headers['idempotency-key']))]
              : (JSON.parse(body) as { event_id: string }[]).map(({ event_id }) => event_id))
              heard.add(id);
          response.writeHead(status).end('{}');
        });
        return {
          heard,
          answer: (next: number) => {
            status = next;
          },
          options: {
            api_url: String(server.url),
            api_key: 'kanari api key'.replaceAll(' ', '-'),
            system_id: 'conserver',
            signing_key: 'a signing key of some length',
            allow_private_hosts: ['127.0.0.1'],
            batch_size,
          },
          close: () => server.close(),
        };
      },
      heard: ({ heard }) => [...heard],
      once: true,
      outage: { begin: ({ answer }) => answer(503), end: ({ answer }) => answer(200) },
    }),
  ),
);
