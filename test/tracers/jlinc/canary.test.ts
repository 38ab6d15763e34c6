import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagLogLevel } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withoutSecrets } from '../../../src/config/redact.ts';
import { traceChain } from '../../../src/instrumentation/trace-chain.ts';
import { sqliteJournal } from '../../../src/journal/sqlite.ts';
import type { Options } from '../../../src/model/tracer.ts';
import { TracerSpanProcessor } from '../../../src/service/tracer-span-processor.ts';
import jlinc from '../../../src/tracers/jlinc.ts';
import { memoryVconStore } from '../../../src/vcon-store/memory.ts';
import { MARKED_JUNK, markedVcon } from '../../canary/documents.ts';
import { GIVEAWAYS, MARK } from '../../canary/marks.ts';
import { recordLog } from '../../exporters/recorded-log.ts';
import { startServer } from '../../outgoing/misbehaving-server.ts';
import { PATIENCE } from '../../support/eventually.ts';
import { startSdk } from '../../support/sdk.ts';
import { JlincServer } from './jlinc-server.ts';

const uuid = (number: number) => `018f0000-0000-8000-8000-00000000000${number}`;
const KEYS = { data_store_api_key: `${MARK}-key`, archive_api_key: `${MARK}-archive-key` };

let directory: string;
let log: ReturnType<typeof recordLog>;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-canary-'));
  log = recordLog(DiagLogLevel.ALL);
});
afterEach(async () => {
  log.stop();
  await rm(directory, { recursive: true });
});

function leaks(text: string): string[] {
  return GIVEAWAYS.flatMap((giveaway) => text.match(giveaway) ?? []);
}

/** Runs marked documents, and some that are none, through the tracer: its log, its files, and what is counted. */
async function told(data_store_api_url: string, options: Options): Promise<string> {
  const vcons = memoryVconStore();
  await vcons.write(uuid(0), markedVcon(uuid(0)));
  for (const [i, junk] of MARKED_JUNK.entries()) await vcons.write(uuid(i + 1), junk);
  const journal = await sqliteJournal({ path: join(directory, 'journal.db') });
  const delivery = { retry: { initialInterval: 1, maxAttempts: 2 }, circuitBreaker: { failures: 1e6 } };
  const given = { data_store_api_url, allow_private_hosts: ['127.0.0.1'], directory, ...KEYS, ...options };
  const bridge = new TracerSpanProcessor({
    vcons,
    journal,
    tracers: [{ name: 'jlinc', module: jlinc, options: given, delivery }],
  });
  const sdk = startSdk([bridge]);
  for (let number = 0; number <= MARKED_JUNK.length; number += 1)
    await traceChain({ name: 'main', links: ['tag'] }, uuid(number), (run) => run.link('tag', (id) => id));
  await vi.waitUntil(() => bridge.stats().tracers.jlinc?.pending === 0, PATIENCE);
  const stats = JSON.stringify(bridge.stats());
  await sdk.shutdown();
  const files = await readdir(directory);
  const contents = await Promise.all(files.map((file) => readFile(join(directory, file), 'latin1')));
  return [stats, ...log.lines, ...files, ...contents].join('\n');
}

describe('no mark is in the log, the journal, the receipts or the counts', () => {
  test.each([
    ['hashed', {}],
    ['hashed with a key', { hash: 'hmac', ledger_directory: 'see below' }],
    ['hashed as Python does it', { hash: 'python-compat' }],
    ['sent whole', { hash_event_data: false }],
  ])('where documents are %s', async (_how, options) => {
    const server = await new JlincServer().start();
    const ledger = await mkdtemp(join(tmpdir(), 'vcon-otel-canary-ledger-'));
    const text = await told(
      server.url,
      'ledger_directory' in options ? { ...options, ledger_directory: ledger } : options,
    );
    await server.close();
    await rm(ledger, { recursive: true });
    expect(leaks(text)).toEqual([]);
    expect(text).toContain(`"in_vcon_uuid":"${uuid(0)}"`);
    expect(text).toContain('VCON_INVALID');
    expect([...server.authorizations]).toEqual([`Bearer ${KEYS.data_store_api_key}`]);
    expect(server.events[0]?.archive.key).toBe(KEYS.archive_api_key);
  });

  test.each([
    ['quotes what it was sent', 200],
    ['refuses and quotes what it was sent', 403],
    ['fails and quotes what it was sent', 500],
  ])('where the data store %s', async (_how, status) => {
    const { url, close } = await startServer((response, { body, headers }) => {
      const header = `x-${MARK}`;
      response.writeHead(status, { [header]: MARK }).end(JSON.stringify({ body, headers, error: MARK }));
    });
    const text = await told(url.origin, { hash_event_data: false });
    await close();
    expect(leaks(text)).toEqual([]);
    expect(text).toContain(status === 200 ? 'NO_DOMAIN' : `HTTP_${status}`);
  });

  test('where a forged receipt is full of them', async () => {
    const server = await new JlincServer().start();
    server.forge = ({ created, processed }) => ({
      created: { ...(created as object), data: MARK, [MARK]: MARK },
      processed,
    });
    const text = await told(server.url, {});
    await server.close();
    expect(leaks(text)).toEqual([]);
    expect(text).toContain('a receipt does not verify: the data are others');
  });
});

test('keys are redacted where a configuration is printed', () => {
  const shown = withoutSecrets({ tracers: { jlinc: { module: 'tracers.jlinc', options: KEYS } } }, new Set());
  expect(leaks(JSON.stringify(shown))).toEqual([]);
  expect(JSON.stringify(shown)).toContain('[redacted]');
});
