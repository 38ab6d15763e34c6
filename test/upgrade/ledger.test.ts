import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jsonLines } from '../cli/command-line.ts';
import { runInProcess } from '../cli/in-process.ts';
import { chainSpan, linkSpan } from '../fixtures/0.1/conserver.ts';
import { signingKey } from '../fixtures/0.1/signing-key.ts';
import { FIXTURES, fixture, folderOfTest, startUpgraded } from './upgraded.ts';

/** What 0.1 says of its ledger. */
interface Kept {
  readonly vcons: Readonly<Record<string, string>>;
  readonly shredded: string;
  readonly verdict: Readonly<Record<string, unknown>> & { readonly size: number };
}

const ANCHOR = join(FIXTURES, 'ledger.anchor');

test('a ledger of 0.1 is intact and goes on, and what was destroyed stays so', async () => {
  const { vcons, shredded, verdict } = await fixture<Kept>('ledger.json');
  const folder = await folderOfTest();
  const ledger = join(folder, 'ledger');
  await cp(join(FIXTURES, 'ledger'), ledger, { recursive: true });
  await writeFile(join(ledger, 'signing-key.pem'), signingKey(), { mode: 0o600 });
  expect(await verified(ledger)).toMatchObject({ ...verdict, rollback_excluded_to: verdict.size });

  const store = join(folder, 'vcons');
  await mkdir(store);
  for (const [uuid, text] of Object.entries(vcons)) await writeFile(join(store, `${uuid}.vcon.json`), text);
  const service = await startUpgraded({
    chains: { tail: { links: ['tag'] } },
    tracers: { compliance: { module: 'tracers.compliance', options: { directory: ledger } } },
    vcon_store: { type: 'directory', path: store },
    receivers: { http: { port: 0 }, assembler: { settle: '100ms' } },
  });
  for (const [index, vcon] of Object.keys(vcons).entries()) {
    const run = { number: 500 + index, chain: 'tail', links: ['tag'], vcon, at: Date.now() };
    for (const { path, body } of [linkSpan(run, 0), chainSpan(run)])
      expect(await service.post(path, body)).toBe(200);
  }
  await service.settled();
  await service.tracing.shutdown();

  const size = verdict.size + 4 * Object.keys(vcons).length;
  expect(await verified(ledger)).toMatchObject({
    ...verdict,
    size,
    signed: size,
    checkpoints: expect.any(Number),
  });
  const records = await recordsOf(ledger);
  const ends = (from: number, to?: number) =>
    new Map(
      records
        .slice(from, to)
        .filter(({ event }) => event === 'chain_complete')
        .map(({ vcon_uuid, content_hash, content_missing }) => [vcon_uuid, content_hash ?? content_missing]),
    );
  // The keys of the others are those of 0.1: the same document has the same hash.
  const before = ends(0, verdict.size).set(shredded, 'key_destroyed');
  expect(ends(verdict.size)).toEqual(before);
});

async function verified(ledger: string): Promise<unknown> {
  const key = join(FIXTURES, 'ledger/ledger.vkey');
  const { stdout, stderr } = await runInProcess([
    'audit',
    'verify',
    ledger,
    '--key',
    key,
    '--since',
    ANCHOR,
    '--strict',
    '--json',
  ]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

async function recordsOf(ledger: string): Promise<Record<string, unknown>[]> {
  const folder = join(ledger, 'segments');
  const segments = (await readdir(folder)).toSorted();
  const texts = await Promise.all(segments.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.flatMap(jsonLines);
}
