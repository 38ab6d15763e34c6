import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cosignerOf } from '../../../src/ledger/proof/cosignature.ts';
import { generateKey, parseVerifierKey } from '../../../src/ledger/proof/note.ts';
import { probeWitnesses } from '../../../src/ledger/witness/probe-witness.ts';
import { Witness } from '../../../src/ledger/witness/witness.ts';
import { startWitnessServer } from '../../../src/ledger/witness/witness-server.ts';
import complianceTracer from '../../../src/tracers/compliance.ts';
import { MISBEHAVIOURS, startServer } from '../../outgoing/misbehaving-server.ts';
import { newSigner, writeLedger } from '../written-ledger.ts';

const signer = newSigner();
const own = parseVerifierKey(signer.vkey);
let folder: string;
let ledger: string;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vcon-otel-probe-witness-'));
  ledger = join(folder, 'ledger');
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true });
});

async function witness(verifier = own) {
  const cosigner = cosignerOf('witness.example/w1', generateKey());
  const logs = [{ origin: signer.name, verifiers: [verifier] }];
  const book = new Witness({ directory: join(folder, 'w1'), cosigner, logs, notice: () => {} });
  const server = await startWitnessServer(book, { host: '127.0.0.1', port: 0 }, 'witness');
  ends.push(async () => {
    await server.close();
    await book.close();
  });
  return { url: server.url, key: cosigner.vkey };
}

type Asked = Awaited<ReturnType<typeof witness>>;

const asking = (...witnesses: readonly Asked[]) => ({
  witnesses,
  quorum: 1,
  allowPrivateHosts: ['127.0.0.1'],
  patience: 60_000,
});

const write = (records: number, asked?: Asked, at = ledger) =>
  writeLedger(at, signer, records, asked ? { witnessing: asking(asked) } : {});

async function probed(asked: Asked, key = own, allowPrivateHosts = ['127.0.0.1'], timeout = 60_000) {
  const looked = { directory: ledger, own: [key], origin: key.name, timeout };
  const [finding] = await probeWitnesses({ ...asking(asked), allowPrivateHosts }, looked);
  return `${finding?.state}: ${finding?.text}`;
}

test('a witness says how much it has cosigned', async () => {
  const asked = await witness();
  await write(0);
  expect(await probed(asked)).toBe(
    'ok: the witness witness.example/w1 answers; nothing of this ledger is signed yet',
  );
  await write(30, asked);
  await write(40);
  expect(await probed(asked)).toBe(
    'ok: the witness witness.example/w1 has cosigned 30 of the 40 records that are signed',
  );
});

test('one that shows nothing of a signed ledger is remarked on', async () => {
  await write(30);
  expect(await probed(await witness())).toMatch(/^warning: .* shows nothing of this ledger/);
});

test('another key of the witness, or of the ledger, is found out', async () => {
  const asked = await witness();
  await write(30, asked);
  const { vkey: key } = cosignerOf('witness.example/w1', generateKey());
  expect(await probed({ ...asked, key })).toMatch(
    /^fault: .* without a signature of the key that is configured/,
  );
  expect(await probed(asked, parseVerifierKey(newSigner().vkey))).toMatch(
    /^fault: .* that the key of this ledger has not signed/,
  );
});

test('an older copy of the ledger is found out', async () => {
  const asked = await witness();
  await write(30);
  cpSync(ledger, join(folder, 'grown'), { recursive: true });
  await write(60, asked, join(folder, 'grown'));
  expect(await probed(asked)).toMatch(/^fault: .* has a checkpoint of 60 records, of which 30 are here/);
});

test('one that does not answer as it should is told of', async () => {
  const asked = await witness();
  for (const [act, expected] of [
    [MISBEHAVIOURS.hang, /^fault: .* cannot be reached \(TIMEOUT\)/],
    [MISBEHAVIOURS['hang up'], /^fault: .* cannot be reached \(/],
    [MISBEHAVIOURS['gzip bomb'], /^fault: .* cannot be reached \(ANSWER_TOO_LARGE\)/],
    [MISBEHAVIOURS['bad gzip'], /^fault: /],
    [(response) => response.writeHead(503).end(), /^warning: .* answers with status 503/],
    [(response) => response.end('garbage'), /^fault: .* that the key of this ledger has not signed/],
  ] as const satisfies readonly (readonly [Parameters<typeof startServer>[0], RegExp])[]) {
    const { url, close } = await startServer(act);
    ends.push(close);
    const timeout = act === MISBEHAVIOURS.hang ? 500 : undefined;
    expect(await probed({ ...asked, url: url.href }, own, undefined, timeout)).toMatch(expected);
  }
  expect(await probed(asked, own, [])).toMatch(/^fault: .* cannot be reached \(ADDRESS_REFUSED\)/);
});

test('doctor asks those of a tracer’s options once the ledger has a key', async () => {
  const asked = await witness();
  const options = complianceTracer.options?.parse({
    directory: ledger,
    witnesses: [asked],
    allow_private_hosts: ['127.0.0.1'],
  });
  const look = async () =>
    (await complianceTracer.probe?.(options as never, { name: 'l', timeout: 60_000 }))?.length;
  expect(await look()).toBe(2);
  await write(10);
  const { writeKeyFile } = await import('../../../src/ledger/index.ts');
  writeKeyFile(join(ledger, 'signing-key.pem'), generateKey());
  expect(await look()).toBe(3);
});
