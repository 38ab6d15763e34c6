import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { openLedger, parseVerifierKey, publishLog } from '../../../src/ledger/index.ts';
import { entries, newSigner, settingsFor } from '../written-ledger.ts';

//  Slow: builds a program that is not ours with Go, and runs it. Skipped where there is no Go, or no module of it to be had.

const SOURCES = join(import.meta.dirname, 'go');
const FSCK = 'github.com/transparency-dev/tessera/cmd/fsck';
/** Milliseconds. */
const DOWNLOAD = 240_000;

const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-fsck-'));
const [program, out] = [join(folder, 'fsck'), join(folder, 'published')];
const signer = newSigner();

const canBuild = (() => {
  cpSync(SOURCES, join(folder, 'go'), { recursive: true });
  try {
    // Not `go mod download`: that also fetches what no part of this program needs.
    execFileSync('go', ['build', '-o', program, FSCK], {
      cwd: join(folder, 'go'),
      stdio: 'ignore',
      timeout: DOWNLOAD,
    });
    return true;
  } catch {
    return false;
  }
})();

afterAll(() => rmSync(folder, { recursive: true }));

/** What Tessera's fsck says of the published folder. Its exit code is 0 whatever it finds. */
async function fsck(): Promise<string> {
  const { stderr } = await promisify(execFile)(program, [
    '--ui=false',
    // A worker that finds a wrong tile ends, and with the last of them it would wait for ever.
    '--N=8',
    '--storage_url',
    pathToFileURL(out).href,
    '--public_key',
    join(out, 'ledger.vkey'),
  ]);
  return stderr;
}

describe.skipIf(!canBuild)("with Tessera's fsck", () => {
  test('a published ledger is sound, however often it grew and was published again', async () => {
    const directory = join(folder, 'ledger');
    // 65,536 leaves and more: three levels of tiles.
    for (const [more, size] of [
      [1, 1],
      [255, 256],
      [44, 300],
      [66_000, 66_300],
    ] as const) {
      const ledger = openLedger(settingsFor(directory, signer, { segmentBytes: 5_000_000 }));
      for (let left = more; left > 0; left -= 5_000)
        await Promise.all(entries(Math.min(left, 5_000), ledger.size).map((entry) => ledger.append(entry)));
      await ledger.close();
      publishLog(directory, out, [parseVerifierKey(signer.vkey)]);
      expect(await fsck()).toContain(`Successfully fsck'd log with size ${size} `);
    }
  }, 600_000);

  test('it finds a byte that was changed, in a bundle and in a tile', async () => {
    for (const path of ['tile/entries/001', 'tile/0/001', 'tile/1/000', 'tile/2/000.p/1']) {
      const content = readFileSync(join(out, path));
      const changed = Buffer.from(content);
      changed[20] = (changed[20] ?? 0) ^ 1;
      writeFileSync(join(out, path), changed);
      const said = await fsck();
      expect(said).toContain('fsck failed');
      expect(said).not.toContain('Successfully');
      writeFileSync(join(out, path), content);
    }
    expect(await fsck()).toContain('Successfully');
  });
});
