import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Ledger, openLedger, verifyLedger } from '../../../src/ledger/index.ts';
import { cosignaturesOf, cosignerOf, parseWitnessKey } from '../../../src/ledger/proof/cosignature.ts';
import { generateKey, parseVerifierKey } from '../../../src/ledger/proof/note.ts';
import { Witness } from '../../../src/ledger/witness/witness.ts';
import { startWitnessServer } from '../../../src/ledger/witness/witness-server.ts';
import { PATIENCE } from '../../support/eventually.ts';
import { entries, newSigner, settingsFor } from '../written-ledger.ts';

const signer = newSigner();
const own = parseVerifierKey(signer.vkey);
let folder: string;
let ends: (() => Promise<unknown>)[];
let notices: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vcon-otel-witnessing-'));
  ends = [];
  notices = [];
});

afterEach(async () => {
  vi.useRealTimers();
  for (const end of ends.toReversed()) await end();
  rmSync(folder, { recursive: true });
});

/** A witness of the ledger, of which everything is ended with the test. */
async function witness(
  name = 'w1',
  port = 0,
  cosigner = cosignerOf(`witness.example/${name}`, generateKey()),
) {
  const book = new Witness({
    directory: join(folder, name),
    cosigner,
    logs: [{ origin: signer.name, verifiers: [own] }],
    notice: () => {},
  });
  const server = await startWitnessServer(book, { host: '127.0.0.1', port }, 'witness');
  const end = async () => {
    await server.close();
    await book.close();
  };
  ends.push(end);
  return { url: server.url, key: cosigner.vkey, cosigner, end, verifier: parseWitnessKey(cosigner.vkey) };
}

/** A server that does as it likes. */
async function listen(answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.unshift(async () => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Place {
  readonly url: string;
  readonly key: string;
}

function open(
  witnesses: readonly Place[],
  quorum = witnesses.length,
  at = 'ledger',
  heartbeat?: number,
): Ledger {
  // What is told after the end of a test is none of the next one's.
  const told = notices;
  const ledger = openLedger(
    settingsFor(join(folder, at), signer, {
      checkpoint: { every: 1, interval: 1_000_000, ...(heartbeat === undefined ? {} : { heartbeat }) },
      witnessing: {
        witnesses: witnesses.map(({ url, key }) => ({ url, key })),
        quorum,
        allowPrivateHosts: ['127.0.0.1'],
        patience: 60_000,
      },
      notice: (about, text) => told.push(`${about}: ${text}`),
    }),
  );
  ends.push(() => ledger.close());
  return ledger;
}

const checkpoint = (at = 'ledger') => {
  try {
    return readFileSync(join(folder, at, 'checkpoint'), 'utf8');
  } catch {
    return '';
  }
};

async function append(ledger: Ledger, count: number): Promise<void> {
  for (const entry of entries(count, ledger.size)) await ledger.append(entry);
}

const cosigned = (size: number, by: readonly { readonly verifier: typeof own }[], at?: string) =>
  vi.waitUntil(
    () =>
      checkpoint(at).includes(`\n${size}\n`) &&
      cosignaturesOf(
        checkpoint(at),
        by.map(({ verifier }) => verifier),
      )?.length === by.length,
    PATIENCE,
  );

describe('checkpoints', () => {
  test('are cosigned by every witness, and the ledger still verifies', async () => {
    const witnesses = [await witness('w1'), await witness('w2')];
    const ledger = open(witnesses);
    await append(ledger, 3);
    await cosigned(3, witnesses);
    await append(ledger, 20);
    await cosigned(23, witnesses);
    expect(ledger.standing.quorum?.age).toBeLessThan(60);
    expect(ledger.standing.troubles).toEqual([]);
    await ledger.close();
    expect(readdirSync(join(folder, 'ledger', 'witnesses'))).toHaveLength(2);
    expect(verifyLedger({ directory: join(folder, 'ledger'), verifiers: [own] }).verdict).toBe('intact');
    expect(notices).toEqual([]);
  });

  test('go on from what the witness saw, after a restart and without what was kept', async () => {
    const one = await witness();
    const first = open([one]);
    await append(first, 3);
    await cosigned(3, [one]);
    await first.close();
    rmSync(join(folder, 'ledger', 'witnesses'), { recursive: true });
    const second = open([one]);
    await append(second, 5);
    await cosigned(8, [one]);
    expect(notices).toEqual([]);
  });

  test('are signed and appended all the same while a witness is down, and cosigned when it is back', async () => {
    const [up, down] = [await witness('up'), await witness('down')];
    await down.end();
    const ledger = open([up, down]);
    await append(ledger, 5);
    await cosigned(5, [up]);
    await vi.waitUntil(() => notices.length > 0, PATIENCE);
    expect(notices[0]).toBe(
      'witness witness.example/down: the witness witness.example/down cannot be asked (ECONNREFUSED)',
    );
    await witness('down', Number(new URL(down.url).port), down.cosigner);
    await cosigned(5, [up, down]);
  });

  test('that only others have cosigned say so', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const one = await witness();
    await one.end();
    const ledger = open([one]);
    vi.setSystemTime(Date.now() + 120_000);
    await append(ledger, 1);
    await vi.waitUntil(() => notices.some((text) => text.startsWith('quorum')), PATIENCE);
    expect(notices).toContain('quorum: fewer than 1 witnesses have cosigned a checkpoint for 2 minutes');
    expect(ledger.standing.quorum?.age).toBeGreaterThanOrEqual(120);
    expect(ledger.standing.troubles).toEqual([
      'fewer than 1 witnesses have cosigned a checkpoint for 2 minutes',
    ]);
  });

  test('are not taken as cosigned by what another key has signed', async () => {
    const [one, other] = [await witness('w1'), await witness('w2')];
    const ledger = open([{ url: one.url, key: other.key }]);
    await append(ledger, 1);
    await vi.waitUntil(() => notices.length > 0, PATIENCE);
    expect(notices[0]).toContain('what it answers is not its signature of this checkpoint');
    expect(checkpoint().match(/^—/gm)).toHaveLength(1);
  });
});

describe('a ledger that is not what a witness saw', () => {
  test.each([
    ['was set back', 1],
    ['went on elsewhere', 9],
  ])('and that %s records and signs nothing more', async (_how, more) => {
    const one = await witness();
    const ledger = open([one]);
    await append(ledger, 3);
    await cosigned(3, [one]);
    await ledger.close();
    cpSync(join(folder, 'ledger'), join(folder, 'copy'), { recursive: true });
    const on = open([one]);
    await append(on, 5);
    await cosigned(8, [one]);
    await on.close();

    const back = open([one], 1, 'copy');
    for (const entry of entries(more, 100)) await back.append(entry).catch(() => undefined);
    await vi.waitUntil(() => back.fault !== undefined, PATIENCE);
    expect(back.fault).toMatchObject({
      code: 'LEDGER_ROLLED_BACK',
      message: expect.stringContaining('a witness'),
    });
    await expect(back.append(entries(1, 200)[0] as never)).rejects.toBe(back.fault);
  });

  test('is not believed to be that because a witness merely says so', async () => {
    const port = await listen((_request, response) => {
      response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('1000\n');
    });
    const { vkey } = cosignerOf('liar.example', generateKey());
    const ledger = open([{ url: `http://127.0.0.1:${port}`, key: vkey }]);
    await append(ledger, 2);
    await vi.waitUntil(() => notices.length > 0, PATIENCE);
    expect(notices[0]).toContain('it says that it has cosigned 1000 records');
    expect(ledger.fault).toBeUndefined();
    await append(ledger, 1);
  });
});

test('a witness that never answers delays no record', async () => {
  const port = await listen(() => undefined);
  const ledger = open([
    { url: `http://127.0.0.1:${port}`, key: cosignerOf('silent.example', generateKey()).vkey },
  ]);
  await append(ledger, 50);
  await vi.waitUntil(() => ledger.standing.checkpoint.size === 50, PATIENCE);
});

test('a ledger in which nothing happens records that it is alive, and has that cosigned', async () => {
  const one = await witness();
  const ledger = open([one], 1, 'ledger', 200);
  await vi.waitUntil(() => ledger.standing.checkpoint.size >= 2, PATIENCE);
  const size = ledger.standing.checkpoint.size;
  await vi.waitUntil(() => ledger.standing.checkpoint.size > size, PATIENCE);
  await ledger.close();
  const lines = readFileSync(join(folder, 'ledger', 'segments', `${'0'.repeat(20)}.jsonl`), 'utf8');
  expect(JSON.parse(lines.split('\n')[0] ?? '')).toMatchObject({
    event: 'heartbeat',
    actor: 'ledger',
    seq: 0,
  });
  await cosigned(lines.trimEnd().split('\n').length, [one]);
  expect(verifyLedger({ directory: join(folder, 'ledger'), verifiers: [own] }).verdict).toBe('intact');
});
