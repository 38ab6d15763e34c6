import { execFile, execFileSync, spawn } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openLedger } from '../../../src/ledger/index.ts';
import { cosignaturesOf, cosignerOf, parseWitnessKey } from '../../../src/ledger/proof/cosignature.ts';
import { generateKey, parseVerifierKey, signerOf } from '../../../src/ledger/proof/note.ts';
import { Witness } from '../../../src/ledger/witness/witness.ts';
import { PATIENCE } from '../../support/eventually.ts';
import { entries, newSigner, settingsFor } from '../written-ledger.ts';

//  Slow: builds programs that are not ours with Go, and runs them. Skipped where there is no Go, or no module of theirs to be had.

const SOURCES = join(import.meta.dirname, 'go');
/** Milliseconds. */
const DOWNLOAD = 240_000;

const canBuild = (() => {
  try {
    execFileSync('go', ['mod', 'download'], { cwd: SOURCES, stdio: 'ignore', timeout: DOWNLOAD });
    return true;
  } catch {
    return false;
  }
})();

let folder: string;
let program: string;
const ends: (() => void)[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vcon-otel-interop-'));
  program = join(folder, 'interop');
  if (!canBuild) return;
  cpSync(SOURCES, join(folder, 'go'), { recursive: true });
  await promisify(execFile)('go', ['build', '-mod=mod', '-o', program, '.'], { cwd: join(folder, 'go') });
});

afterAll(() => {
  for (const end of ends) end();
  rmSync(folder, { recursive: true });
});

/** A private key as Go writes it: `PRIVATE+KEY+<name>+<id>+<base64>` (golang.org/x/mod/sumdb/note). */
function goKey(name: string, pem: string): string {
  const seed = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }).subarray(-32);
  const { id } = parseVerifierKey(signerOf(name, pem).vkey);
  return `PRIVATE+KEY+${name}+${id}+${Buffer.concat([Buffer.of(1), seed]).toString('base64')}`;
}

describe.skipIf(!canBuild)('with implementations that are not ours', () => {
  test("transparency-dev's witness cosigns a ledger, from its first record on and after a restart", async () => {
    const [signer, pem] = [newSigner('ledger.example/interop'), generateKey()];
    const name = 'witness.example/go';
    const child = spawn(program, ['witness', signer.vkey, goKey(name, pem)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    ends.push(() => child.kill());
    let url = '';
    child.stdout.on('data', (text: Buffer) => {
      url += text.toString();
    });
    await vi.waitUntil(() => url.endsWith('\n'), PATIENCE);
    const { vkey: key } = cosignerOf(name, pem);
    const notices: string[] = [];
    const directory = join(folder, 'ledger');
    const settings = settingsFor(directory, signer, {
      checkpoint: { every: 1, interval: 1e6 },
      witnessing: {
        witnesses: [{ url: url.trim(), key }],
        quorum: 1,
        allowPrivateHosts: ['127.0.0.1'],
        patience: 600_000,
      },
      notice: (about, text) => notices.push(`${about}: ${text}`),
    });
    for (const size of [3, 300]) {
      const ledger = openLedger(settings);
      await Promise.all(entries(size, ledger.size).map((entry) => ledger.append(entry)));
      const all = ledger.size;
      const file = join(directory, 'checkpoint');
      await vi.waitUntil(() => {
        const note = existsSync(file) ? readFileSync(file, 'utf8') : '';
        return note.includes(`\n${all}\n`) && cosignaturesOf(note, [parseWitnessKey(key)])?.length === 1;
      }, PATIENCE);
      await ledger.close();
      // So the next one knows nothing of what was cosigned, and is told (409).
      rmSync(join(directory, 'witnesses'), { recursive: true });
    }
    expect(notices).toEqual([]);
  });

  test("our witness cosigns a log made of Go's own packages, whose origin is not its key's name", async () => {
    const pem = generateKey();
    const name = 'sum.example.org';
    const { stdout } = await promisify(execFile)(program, ['log', goKey(name, pem)]);
    const cosigner = cosignerOf('witness.example/w1', generateKey());
    const witness = new Witness({
      directory: join(folder, 'witness'),
      cosigner,
      logs: [{ origin: 'go.sum database tree', verifiers: [parseVerifierKey(signerOf(name, pem).vkey)] }],
      notice: () => {},
    });
    ends.push(() => void witness.close());
    const bodies = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as string);
    expect(bodies).toHaveLength(6);
    for (const body of bodies) {
      const answer = await witness.add(body);
      expect(answer).toMatchObject({ status: 200 });
      const note = body.slice(body.indexOf('\n\n') + 2) + ('lines' in answer ? answer.lines : '');
      expect(cosignaturesOf(note, [parseWitnessKey(cosigner.vkey)])).toHaveLength(1);
    }
    expect(witness.sizes()).toEqual([{ origin: 'go.sum database tree', size: 513 }]);
  });
});
