import { hash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cosignaturesOf, cosignerOf, parseWitnessKey } from '../../../src/ledger/proof/cosignature.ts';
import { generateKey, openNote, parseVerifierKey } from '../../../src/ledger/proof/note.ts';
import { addCheckpointBody } from '../../../src/ledger/witness/add-checkpoint.ts';
import { type WatchedLog, Witness } from '../../../src/ledger/witness/witness.ts';
import { startWitnessServer } from '../../../src/ledger/witness/witness-server.ts';
import { newSigner } from '../written-ledger.ts';
import { grownLog } from './grown-log.ts';

const signer = newSigner('log.example/audit');
const cosigner = cosignerOf('witness.example/w1', generateKey());
const key = parseWitnessKey(cosigner.vkey);
const watched: WatchedLog = { origin: signer.name, verifiers: [parseVerifierKey(signer.vkey)] };
const log = grownLog(signer);
const ORIGIN_HASH = hash('sha256', signer.name, 'hex');

let directory: string;
let url: string;
let close: () => Promise<void>;
let notices: string[];

async function start(logs: readonly WatchedLog[] = [watched]): Promise<void> {
  notices = [];
  const witness = new Witness({
    directory,
    cosigner,
    logs,
    notice: (kind, text) => notices.push(`${kind}: ${text}`),
  });
  const server = await startWitnessServer(witness, { host: '127.0.0.1', port: 0 }, 'witness');
  url = server.url;
  close = async () => {
    await server.close();
    await witness.close();
  };
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vcon-otel-witness-'));
  await start();
});

afterEach(async () => {
  vi.useRealTimers();
  await close();
  rmSync(directory, { recursive: true });
});

async function ask(body: string) {
  const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
  };
}

const statusOf = async (body: string) => (await ask(body)).status;

describe('a checkpoint', () => {
  test('that is the first is cosigned, and so is one that has grown from it', async () => {
    const before = Math.floor(Date.now() / 1e3) * 1e3;
    for (const [old, size] of [
      [0, 5],
      [5, 5],
      [5, 32],
      [32, 40],
    ] as const) {
      const { status, text } = await ask(log.asks(old, size));
      expect(status).toBe(200);
      const [cosignature, ...more] = cosignaturesOf(log.checkpoint(size) + text, [key]) ?? [];
      expect(more).toEqual([]);
      expect(cosignature?.time).toBeGreaterThanOrEqual(before);
      expect(cosignature?.time).toBeLessThanOrEqual(Date.now());
    }
    expect(notices).toContain('news: log.example/audit: cosigned, 5 to 32');
  });

  test('may be of an empty log', async () => {
    expect(await statusOf(log.asks(0, 0))).toBe(200);
    const bent = signer.sign(log.text(0).replace(/.{44}\n$/, log.text(1).slice(-45)));
    expect(await statusOf(addCheckpointBody({ oldSize: 0, proof: [], note: bent }))).toBe(422);
    expect(await statusOf(log.asks(0, 7))).toBe(200);
  });

  test('may have extension lines, and signatures of others', async () => {
    const note = signer.sign(`${log.text(3)}an extension\nand another\n`);
    const stranger = newSigner('stranger.example').sign(log.text(3)).split('\n\n')[1];
    const { status, text } = await ask(addCheckpointBody({ oldSize: 0, proof: [], note: note + stranger }));
    expect(status).toBe(200);
    expect(cosignaturesOf(note + text, [key])).toHaveLength(1);
  });

  test('is cosigned anew when it is sent again later', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
    const first = await ask(log.asks(0, 5));
    expect((await ask(log.asks(5, 5))).text).toBe(first.text);
    vi.setSystemTime(1_800_000_001_000);
    const again = await ask(log.asks(5, 5));
    expect(again.text).not.toBe(first.text);
    expect(cosignaturesOf(log.checkpoint(5) + again.text, [key])?.[0]?.time).toBe(1_800_000_001_000);
  });
});

describe('refused', () => {
  beforeEach(async () => void (await ask(log.asks(0, 8))));

  test('where the old size is not the one that was cosigned last: 409, and that size', async () => {
    for (const old of [0, 7, 9])
      expect(await ask(log.asks(old, 20))).toEqual({ status: 409, type: 'text/x.tlog.size', text: '8\n' });
    // Also where it would take the log back.
    expect(await ask(log.asks(0, 3))).toMatchObject({ status: 409, text: '8\n' });
  });

  test('where the proof does not hold: 422, and nothing is remembered', async () => {
    const other = grownLog(signer, 40, 'other ');
    const note = log.checkpoint(20);
    for (const body of [
      other.asks(8, 20),
      addCheckpointBody({ oldSize: 8, proof: [], note }),
      addCheckpointBody({ oldSize: 8, proof: log.proof(7, 20), note }),
    ])
      expect(await statusOf(body)).toBe(422);
    expect(await statusOf(log.asks(8, 20))).toBe(200);
  });

  test('a second history of the same size, which is kept as evidence', async () => {
    const fork = grownLog(signer, 40, 'other ');
    expect(await statusOf(fork.asks(8, 8))).toBe(422);
    expect(await statusOf(fork.asks(8, 8))).toBe(422);
    const folder = join(directory, ORIGIN_HASH, 'forks');
    const [kept = '', ...more] = readdirSync(folder);
    expect(more).toEqual([]);
    expect(readFileSync(join(folder, kept), 'utf8')).toBe(fork.checkpoint(8));
    expect(notices.at(-1)).toMatch(/^trouble: log[.]example\/audit: not cosigned/);
  });

  test('an old size that is larger than the checkpoint: 400', async () => {
    const note = log.checkpoint(5);
    expect(await statusOf(addCheckpointBody({ oldSize: 8, proof: [], note }))).toBe(400);
  });

  test('a log that is not known: 404', async () => {
    expect(await statusOf(grownLog(newSigner('another.example')).asks(0, 5))).toBe(404);
  });

  test('a checkpoint that no known key has signed, or of which the signature is wrong: 403', async () => {
    expect(await statusOf(grownLog(newSigner(signer.name)).asks(8, 20))).toBe(403);
    expect(await statusOf(log.asks(8, 20).replace('audit\n20\n', 'audit\n21\n'))).toBe(403);
  });

  test.each([
    ['nothing', ''],
    ['no old size', log.asks(8, 20).replace(/^old 8\n/, '')],
    ['a size with a zero before it', log.asks(8, 20).replace('old 8', 'old 08')],
    ['a negative size', log.asks(8, 20).replace('old 8', 'old -8')],
    ['a size beyond all numbers', log.asks(8, 20).replace('old 8', 'old 9999999999999999')],
    ['a hash that is too short', log.asks(8, 20).replace(/\n.*\n/, '\nAAAA\n')],
    ['too many hashes', `old 8\n${`${'A'.repeat(43)}=\n`.repeat(64)}\n${log.checkpoint(20)}`],
    ['no signature', log.asks(8, 20).replace(/\n—.*\n/, '\n')],
    ['a checkpoint of two lines', addCheckpointBody({ oldSize: 8, proof: [], note: signer.sign('a\n1\n') })],
    [
      'an empty extension line',
      addCheckpointBody({ oldSize: 8, proof: [], note: signer.sign(`${log.text(8)}\nx\n`) }),
    ],
  ])('%s: 400', async (_what, body) => {
    expect(await statusOf(body)).toBe(400);
  });

  test('a body without end: 413', async () => {
    expect(await statusOf('x'.repeat(200_000))).toBe(413);
  });

  test('another method, and another path', async () => {
    expect((await fetch(`${url}/add-checkpoint`)).status).toBe(405);
    expect((await fetch(`${url}/sign-subtree`, { method: 'POST', body: '' })).status).toBe(404);
  });
});

describe('what was cosigned last', () => {
  test('is served to monitors, with the signatures of the log and of the witness', async () => {
    const path = `${url}/${ORIGIN_HASH}/checkpoint`;
    expect((await fetch(path)).status).toBe(404);
    const stranger = newSigner('stranger.example').sign(log.text(3)).split('\n\n')[1];
    await ask(log.asks(0, 3) + stranger);
    const note = await (await fetch(path)).text();
    expect(openNote(note, watched.verifiers).state).toBe('signed');
    expect(cosignaturesOf(note, [key])).toHaveLength(1);
    expect(note).not.toContain('stranger');
    expect((await fetch(`${url}/${hash('sha256', 'another', 'hex')}/checkpoint`)).status).toBe(404);
  });

  test('is known again after a restart', async () => {
    await ask(log.asks(0, 8));
    await close();
    await start();
    expect(await ask(log.asks(0, 9))).toMatchObject({ status: 409, text: '8\n' });
    expect(await statusOf(log.asks(8, 9))).toBe(200);
  });

  test('must be what it was: else the witness does not start', async () => {
    await ask(log.asks(0, 8));
    await close();
    const file = join(directory, ORIGIN_HASH, 'checkpoint');
    const kept = readFileSync(file, 'utf8');
    for (const bent of ['', kept.replace('\n8\n', '\n7\n'), log.checkpoint(8).slice(0, -9)]) {
      writeFileSync(file, bent);
      await expect(start()).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
    }
    writeFileSync(file, kept);
    await start();
  });

  test('cannot be taken back by requests that come at once', async () => {
    await ask(log.asks(0, 8));
    const sizes = [9, 40, 12, 33, 20];
    const answers = await Promise.all(sizes.map((size) => ask(log.asks(8, size))));
    const granted = sizes.filter((_, i) => answers[i]?.status === 200);
    expect(granted).toHaveLength(1);
    expect(await ask(log.asks(0, 40))).toMatchObject({ status: 409, text: `${granted[0]}\n` });
  });

  test('is not changed where it cannot be written', async () => {
    await ask(log.asks(0, 8));
    rmSync(join(directory, 'lock'));
    expect(await statusOf(log.asks(8, 9))).toBe(500);
    expect(await ask(log.asks(0, 9))).toMatchObject({ status: 409, text: '8\n' });
  });
});

test('a folder has one witness at a time', () => {
  const settings = { directory, cosigner, logs: [watched], notice: () => {} };
  expect(() => new Witness(settings)).toThrow(expect.objectContaining({ code: 'FILE_UNUSABLE' }));
});

test('of a log whose key has another name, the origin says which it is', async () => {
  await close();
  const origin = 'go.sum database tree';
  await start([{ origin, verifiers: watched.verifiers }]);
  expect(await statusOf(grownLog(signer, 40, '', origin).asks(0, 5))).toBe(200);
  expect(await statusOf(log.asks(0, 5))).toBe(404);
  expect(existsSync(join(directory, hash('sha256', origin, 'hex'), 'checkpoint'))).toBe(true);
});
