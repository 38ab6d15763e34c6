import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodeEntry, encodeEntry } from '../../src/assembly/entry.ts';
import { erasedEntry } from '../../src/assembly/erased-entry.ts';
import { PackedRuns, unpackRuns } from '../../src/assembly/packed-runs.ts';
import type { Received } from '../../src/model/received.ts';
import { unpack } from '../../src/receivers/packing.ts';

const [GONE, KEPT, NEW] = ['a', 'b', 'c'].map((digit) => `018f0000-0000-8000-8000-00000000000${digit}`) as [
  string,
  string,
  string,
];
const HASH = 'f'.repeat(64);

const erased = (body: Uint8Array) =>
  erasedEntry(body, [GONE, GONE.toUpperCase()], NEW, [HASH], (bytes, packing) => unpack(bytes, packing, 1e6));

describe('what was received', () => {
  const text = (uuid: string) => `[{"vcon":"${uuid}","vcon_sha256":"${HASH}"},{"vcon":"${KEPT}"}]`;
  const packings: readonly (readonly [string, Received['packing'], (text: string) => Uint8Array])[] = [
    ['as it is', 'none', (given) => Buffer.from(given)],
    ['gzip', 'gzip', gzipSync],
    ['deflate', 'deflate', deflateSync],
    ['deflate without its frame', 'deflate', deflateRawSync],
    ['zstd', 'zstd', zstdCompressSync],
  ];
  const entry = (packing: Received['packing'], bytes: Uint8Array) =>
    encodeEntry({
      kind: 'received',
      received: { form: 'records', packing, bytes, sender: 'north' },
      count: 2,
      window: { at: 3, oldest: 2, ahead: 1 },
    });

  test.each(packings)(
    '%s has the pseudonym, no hash, and all else as it was',
    async (_what, packing, pack) => {
      for (const uuid of [GONE, GONE.toUpperCase()]) {
        const body = await erased(entry(packing, pack(text(uuid))));
        const changed = text(NEW).replace(HASH, '0'.repeat(64));
        expect(body && Buffer.from(body)).toEqual(Buffer.from(entry('none', Buffer.from(changed))));
      }
      expect(await erased(entry(packing, pack(text(KEPT))))).toBeUndefined();
    },
  );

  test('of a version that kept less of it, too', async () => {
    const head = [1, 2, 0, 0, 1, 0, 0, 0];
    const body = await erased(Buffer.concat([Buffer.from(head), Buffer.from(text(GONE))]));
    const { received } = (body && decodeEntry(body)) as { received: Received };
    expect(Buffer.from(received.bytes).toString()).toBe(text(NEW).replace(HASH, '0'.repeat(64)));
  });
});

test('closed runs, whose uuids are bytes, have the pseudonym', async () => {
  const runs = new PackedRuns();
  const run = { rootSpanId: undefined, chain: 'main', isHeadless: false, isFromInside: true };
  runs.add({ ...run, id: 'ab', uuids: [GONE, KEPT], from: 1, to: 2, at: 3 });
  runs.add({ ...run, id: 'cd', uuids: [GONE.toUpperCase()], from: 1, to: 2, at: 3 });
  const body = await erased(
    encodeEntry({ kind: 'carried', of: 7, part: { kind: 'closed', packed: runs.from(0) } }),
  );
  const { part } = (body && decodeEntry(body)) as unknown as { part: { packed: Buffer } };
  expect([...unpackRuns(part.packed)].map(({ uuids }) => uuids)).toEqual([[NEW, KEPT], [NEW]]);
});

test('an entry of another vCon is left as it is', async () => {
  expect(await erased(encodeEntry({ kind: 'asked', run: KEPT }))).toBeUndefined();
});
