import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parseConfig } from '../../src/config/load-config.ts';
import { runChain } from '../../src/instrumentation/run-chain.ts';
import { parseVerifierKey, verifyLedger } from '../../src/ledger/index.ts';
import { startService } from '../../src/service/service.ts';
import { memoryVconStore } from '../../src/vcon-store/index.ts';
import { PATIENCE } from '../support/eventually.ts';
import { FactWorker } from '../support/fact-worker.ts';
import { conserverSpan, request } from '../support/otlp-request.ts';

const TOKENS = { north: 'token-of-the-north', 'south.2': 'token-of-the-south' };
const NAMELESS = 'token-of-nobody';

type Line = Readonly<Record<string, unknown>>;

/** An adapter with a journal and a ledger in a folder; one after the other can be started. */
function adapters() {
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const directory = join(folder, 'ledger');
  const texts = (of: string) =>
    readdirSync(of, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  const records = () =>
    texts(join(directory, 'segments')).flatMap((text) =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line),
    );
  return {
    records,
    texts: () => texts(folder),
    verify() {
      const vkey = readFileSync(join(directory, 'ledger.vkey'), 'utf8').trim();
      return verifyLedger({ directory, verifiers: [parseVerifierKey(vkey)] });
    },
    /** @param patience seconds that spans are waited for */
    async start(patience: number) {
      const service = await startService(
        parseConfig({
          log_level: 'error',
          journal: { type: 'sqlite', path: join(folder, 'journal.db') },
          chains: { main: { links: ['a', 'b'] }, spanned: { links: ['a', 'b'], timeout: patience } },
          tracers: {
            compliance: {
              module: 'tracers.compliance',
              options: { directory, include_content_hash: false },
            },
          },
          receivers: {
            http: { host: '127.0.0.1', port: 0, token: NAMELESS, tokens: TOKENS },
            assembler: { settle: `${patience * 1e3}ms`, timeout: '1m' },
          },
        }),
      );
      onTestFinished(() => service.shutdown());
      const post = async (path: string, type: string, token: string, body: string | Uint8Array) => {
        const headers = { 'content-type': type, authorization: `Bearer ${token}` };
        const answer = await fetch(service.receiverUrl + path, {
          method: 'POST',
          headers,
          body: Buffer.from(body),
        });
        expect(answer.status).toBe(200);
      };
      return {
        facts: (token: string, ...sent: readonly string[]) =>
          post('/v1/bridge', 'application/json', token, `[${sent.join()}]`),
        spans: (token: string, body: Uint8Array) => post('/v1/traces', 'application/x-protobuf', token, body),
        stop: () => service.shutdown(),
      };
    },
  };
}

const CHAIN = { name: 'main', links: ['a', 'b'], storages: [] };

/** The spans of a run, as the Python server sends them. */
function spansOfRun(vcon: string): Uint8Array {
  const [traceId, root] = ['ab'.repeat(16), 'c0'.repeat(8)];
  const from = BigInt(Date.now()) * 1_000_000n;
  const span = (name: string, at: number, fields: object, attributes: object = {}) =>
    conserverSpan(
      name,
      { vcon_id: vcon, chain_name: 'spanned', ...attributes },
      {
        ...{
          traceId,
          startTimeUnixNano: `${from + BigInt(at)}`,
          endTimeUnixNano: `${from + BigInt(at + 5)}`,
        },
        ...fields,
      },
    );
  const links = CHAIN.links.map((name, index) =>
    span(
      `link.${name}`,
      10 * index,
      { spanId: `${index + 1}`.repeat(16), parentSpanId: root },
      { link_name: name, link_index: index },
    ),
  );
  const whole = { spanId: root, parentSpanId: '', endTimeUnixNano: `${from + 30n}`, status: { code: 1 } };
  return request([...links, span('vcon_processing.spanned', 0, whole)]).protobuf;
}

/** As many facts of a run as there are before its second link returns. */
const IN_B = 8;

/** All that is recorded of a run of which one told everything. */
const bySteps = (sender: string | undefined) => [
  ['chain_start', undefined, sender],
  ['link_start', 'a', sender],
  ['link_complete', 'a', sender],
  ['link_start', 'b', sender],
  ['link_complete', 'b', sender],
  ['chain_complete', undefined, sender],
];

/** Who sent what the records of a vCon are known by. */
const sendersOf = (lines: readonly Line[], vcon: string) =>
  lines.filter((line) => line.vcon_uuid === vcon).map(({ event, step, sender }) => [event, step, sender]);

test('each record in the ledger says by its name whose token it came with, after a restart too', async () => {
  const { start, records, verify, texts } = adapters();
  const [north, nobody, vcons] = [new FactWorker(1), new FactWorker(2), memoryVconStore()];
  const first = await start(60);
  const attached = north.attach();
  const divided = [...north.run(1, CHAIN, 'divided')];
  await first.facts(TOKENS.north, attached, ...divided.slice(0, IN_B));
  await first.facts(NAMELESS, nobody.attach(), ...nobody.run(1, CHAIN, 'nameless'));
  await first.spans(TOKENS['south.2'], spansOfRun('spans'));
  const links = [{ name: 'a', run: (uuid: string) => uuid }];
  await runChain({ name: 'main', links }, { uuid: 'own' }, { vcons, queue: vcons });
  await first.stop();
  const second = await start(0.1);
  await second.facts(TOKENS['south.2'], ...divided.slice(IN_B));
  await vi.waitFor(
    () =>
      expect({
        divided: sendersOf(records(), 'divided'),
        spans: sendersOf(records(), 'spans'),
        nameless: sendersOf(records(), 'nameless'),
        own: sendersOf(records(), 'own'),
      }).toEqual({
        divided: [
          ['chain_start', undefined, 'north'],
          ['link_start', 'a', 'north'],
          ['link_complete', 'a', 'north'],
          ['link_start', 'b', 'north'],
          ['link_complete', 'b', 'south.2'],
          ['chain_complete', undefined, 'south.2'],
        ],
        spans: bySteps('south.2'),
        nameless: bySteps(undefined),
        own: bySteps(undefined).filter(([, step]) => step !== 'b'),
      }),
    PATIENCE,
  );
  await second.stop();
  expect(verify()).toMatchObject({ verdict: 'intact', size: 22 });
  const written = texts().join();
  for (const token of [NAMELESS, ...Object.values(TOKENS)]) expect(written).not.toContain(token);
});
