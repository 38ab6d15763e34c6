import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openLedger } from '../../../src/ledger/index.ts';
import { LedgerMonitor } from '../../../src/ledger/monitor/ledger-monitor.ts';
import type { MonitorSettings } from '../../../src/ledger/monitor/look.ts';
import { placeAtUrl, placeInDirectory } from '../../../src/ledger/monitor/watched-place.ts';
import { readHeads } from '../../../src/ledger/proof/checkpoint-history.ts';
import { cosignerOf, parseWitnessKey } from '../../../src/ledger/proof/cosignature.ts';
import { bundleOf } from '../../../src/ledger/proof/entry-bundle.ts';
import { generateKey, parseVerifierKey } from '../../../src/ledger/proof/note.ts';
import { tilePath } from '../../../src/ledger/proof/tile.ts';
import { MISBEHAVIOURS } from '../../outgoing/misbehaving-server.ts';
import { PATIENCE } from '../../support/eventually.ts';
import { entries, newSigner, ORIGIN, settingsFor } from '../written-ledger.ts';
import { servedDirectory } from './served-directory.ts';

const signer = newSigner();
const witness = cosignerOf('witness.example/w1', generateKey());
let folder: string;
let ledger: string;
const toClose: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vcon-otel-monitor-'));
  ledger = join(folder, 'ledger');
  await grow(300);
});
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** Appends records, which differ where `from` does. */
async function grow(count: number, directory = ledger, from = 0, key = signer): Promise<void> {
  const opened = openLedger(settingsFor(directory, key));
  await Promise.all(entries(count, from).map((entry) => opened.append(entry)));
  await opened.close();
}

function copy(from: string, to: string): string {
  cpSync(from, join(folder, to), { recursive: true });
  return join(folder, to);
}

/** What a web server has of a ledger, with entry bundles (C2SP tlog-tiles). */
function published(directory = ledger): string {
  const out = copy(directory, `published-${readdirSync(folder).length}`);
  const lines = readdirSync(join(out, 'segments'))
    .sort()
    .flatMap((name) =>
      readFileSync(join(out, 'segments', name), 'utf8')
        .trimEnd()
        .split('\n'),
    );
  rmSync(join(out, 'segments'), { recursive: true });
  for (let at = 0; at < lines.length; at += 256) {
    const some = lines.slice(at, at + 256).map((line) => Buffer.from(line));
    const file = join(out, tilePath('entries', at / 256, some.length));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bundleOf(some));
  }
  return out;
}

async function served(directory: string) {
  const server = await servedDirectory(directory);
  toClose.push(server.close);
  return { ...server, place: placeAtUrl(server.url, ['127.0.0.1']) };
}

/** @param places directories, or what has been made of urls */
function monitor(
  places: readonly (string | MonitorSettings['places'][number])[] = [ledger],
  more: Partial<MonitorSettings> = {},
) {
  const made = new LedgerMonitor({
    places: places.map((place) => (typeof place === 'string' ? placeInDirectory(place) : place)),
    verifiers: [parseVerifierKey(signer.vkey)],
    quorum: undefined,
    maxAge: undefined,
    samples: 8,
    directory: join(folder, 'monitor'),
    ...more,
  });
  toClose.push(() => made.close());
  return made;
}

const names = (reports: Awaited<ReturnType<LedgerMonitor['round']>>) =>
  reports.map(({ findings }) => findings.map(({ name }) => name));

/** What one round of a monitor of its own finds, after those before. */
async function found(...args: Parameters<typeof monitor>): Promise<string[]> {
  const watching = monitor(...args);
  const reports = await watching.round();
  await watching.close();
  return names(reports).flat();
}

describe('a ledger that is well', () => {
  test.each(['a directory', 'a url'] as const)('is seen to grow at %s', async (kind) => {
    const place = kind === 'a url' ? (await served(ledger)).place : ledger;
    const watching = monitor([place], { maxAge: 60_000 });
    // Over HTTP, this one has no entry bundles.
    const sampled = kind === 'a url' ? 0 : 9;
    expect(await watching.round()).toMatchObject([{ origin: ORIGIN, size: 300, sampled, findings: [] }]);
    await grow(500, ledger, 300);
    expect(await watching.round()).toMatchObject([{ size: 800, grownFrom: 300, sampled, findings: [] }]);
    expect(await watching.round()).toMatchObject([{ size: 800, grownFrom: 800, findings: [] }]);
  });

  test('has its records looked at over HTTP, too, where there are entry bundles', async () => {
    const { place } = await served(published());
    expect(await monitor([place]).round()).toMatchObject([{ size: 300, sampled: 9, findings: [] }]);
  });

  test('is remembered from one process to the next, with the first that was seen of it', async () => {
    expect(await found()).toEqual([]);
    const first = readFileSync(join(ledger, 'checkpoint'), 'utf8');
    await grow(10, ledger, 300);
    const newest = readFileSync(join(ledger, 'checkpoint'), 'utf8');
    expect(await found()).toEqual([]);
    const files = readdirSync(join(folder, 'monitor')).filter((name) => name.endsWith('.json'));
    expect(files).toHaveLength(1);
    const kept = JSON.parse(readFileSync(join(folder, 'monitor', files[0] ?? ''), 'utf8'));
    expect(kept).toMatchObject({ origin: ORIGIN, first, newest });
  });

  test('may have a copy elsewhere that is behind', async () => {
    const behind = copy(ledger, 'behind');
    await grow(10, ledger, 300);
    const watching = monitor([ledger, behind]);
    expect(names(await watching.round())).toEqual([[], []]);
    expect(names(await watching.round())).toEqual([[], []]);
  });
});

describe('what is no more what it was', () => {
  test('is found: an older copy was put back', async () => {
    const old = copy(ledger, 'old');
    await grow(10, ledger, 300);
    expect(await found()).toEqual([]);
    rmSync(ledger, { recursive: true });
    copy(old, 'ledger');
    const watching = monitor();
    const [report] = await watching.round();
    expect(report?.findings).toMatchObject([
      {
        name: 'LEDGER_ROLLED_BACK',
        text: expect.stringMatching(/has 300 records, and 310 were here before/),
      },
    ]);
    // It stays so.
    expect(names(await watching.round())).toEqual([['LEDGER_ROLLED_BACK']]);
  });

  test('is found at another place, too: the ledger has moved, and has less', async () => {
    const old = copy(ledger, 'old');
    await grow(10, ledger, 300);
    expect(await found()).toEqual([]);
    expect(await found([old])).toEqual(['LEDGER_ROLLED_BACK']);
  });

  test.each([10, 400])(
    'is found, and both checkpoints are kept: another history of %i more',
    async (more) => {
      const other = copy(ledger, 'other');
      await grow(10, ledger, 300);
      expect(await found()).toEqual([]);
      await grow(more, other, 5_000);
      rmSync(ledger, { recursive: true });
      copy(other, 'ledger');
      const [report] = await monitor().round();
      expect(report?.findings).toMatchObject([{ name: 'LEDGER_FORKED' }]);
      const evidence = readFileSync(report?.findings[0]?.evidence ?? '', 'utf8');
      expect(readHeads(evidence).map(({ size }) => size)).toEqual([310, 300 + more]);
    },
  );

  test('is found: two places show two histories of one ledger', async () => {
    const other = copy(ledger, 'other');
    await grow(10, ledger, 300);
    await grow(20, other, 5_000);
    const [one, two] = await monitor([ledger, (await served(other)).place]).round();
    expect([one?.findings, two?.findings]).toMatchObject([[{ name: 'LEDGER_FORKED' }], []]);
    const evidence = readFileSync(one?.findings[0]?.evidence ?? '', 'utf8');
    expect(readHeads(evidence).map(({ size }) => size)).toEqual([320, 310]);
  });

  test('is found: the place has another ledger', async () => {
    const other = newSigner('other.example/ledger');
    const verifiers = [signer, other].map(({ vkey }) => parseVerifierKey(vkey));
    await grow(400, join(folder, 'other'), 0, other);
    expect(await found([ledger], { verifiers })).toEqual([]);
    rmSync(ledger, { recursive: true });
    copy(join(folder, 'other'), 'ledger');
    expect(await found([ledger], { verifiers })).toEqual(['ORIGIN_CHANGED']);
  });

  test('is found: it has not grown, or its newest record is old', async () => {
    const { place } = await served(ledger);
    const watching = monitor([place], { maxAge: 1 });
    await watching.round();
    await vi.waitFor(
      async () => expect(names(await watching.round()).flat()).toEqual(['CHECKPOINT_STALE']),
      PATIENCE,
    );
    const before = Date.now;
    Date.now = () => before() + 3_600_000;
    try {
      expect(await found([ledger], { maxAge: 1_800_000, directory: join(folder, 'fresh') })).toEqual([
        'CHECKPOINT_STALE',
      ]);
    } finally {
      Date.now = before;
    }
  });
});

describe('what is not what was signed', () => {
  const alter = (file: string, change: (text: string) => string) =>
    writeFileSync(join(ledger, file), change(readFileSync(join(ledger, file), 'utf8')));
  const segment = 'segments/00000000000000000000.jsonl';

  test.each<[string, string, () => void]>([
    [
      'a wrong signature',
      'BAD_SIGNATURE',
      () => alter('checkpoint', (text) => text.replace('\n300\n', '\n299\n')),
    ],
    ['garbage', 'CHECKPOINT_INVALID', () => alter('checkpoint', () => '<html>welcome</html>')],
    ['an endless checkpoint', 'CHECKPOINT_INVALID', () => alter('checkpoint', (text) => text.repeat(2_000))],
    ['no checkpoint', 'CHECKPOINT_MISSING', () => rmSync(join(ledger, 'checkpoint'))],
    [
      'a damaged tile',
      'TILES_DAMAGED',
      () => writeFileSync(join(ledger, 'tile/0/001.p/44'), Buffer.alloc(44 * 32)),
    ],
    ['a tile that was cut', 'TILES_DAMAGED', () => writeFileSync(join(ledger, 'tile/0/001.p/44'), 'short')],
    ['a missing tile', 'TILES_DAMAGED', () => rmSync(join(ledger, 'tile'), { recursive: true })],
    [
      'an altered record',
      'RECORD_NOT_INCLUDED',
      () => alter(segment, (text) => text.replaceAll('main', 'mail')),
    ],
    ['removed records', 'RECORD_MISSING', () => alter(segment, (text) => text.slice(0, 1_000))],
  ])('is found: %s', async (_what, name, damage) => {
    const url = (await served(ledger)).place;
    damage();
    expect(await found()).toEqual([name]);
    if (!name.startsWith('RECORD')) expect(await found([url])).toEqual([name]);
  });

  test('is found: nobody known has signed it', async () => {
    const verifiers = [parseVerifierKey(newSigner().vkey)];
    expect(await found([ledger], { verifiers })).toEqual(['UNKNOWN_KEY']);
  });

  test('is found in entry bundles', async () => {
    const out = published();
    const { place, acts } = await served(out);
    const file = tilePath('entries', 1, 44);
    expect(await found([place])).toEqual([]);
    const bundle = readFileSync(join(out, file));
    acts.set(file, (response) => response.end(Buffer.concat([bundle.subarray(0, -1), Buffer.from('x')])));
    expect(await found([(await served(out)).place])).toEqual([]);
    expect(await found([placeAtUrl(new URL(place.name), ['127.0.0.1'])])).toEqual(['RECORD_NOT_INCLUDED']);
    acts.set(file, (response) => response.writeHead(404).end());
    expect(await found([placeAtUrl(new URL(place.name), ['127.0.0.1'])])).toEqual(['RECORD_MISSING']);
  });
});

describe('witnesses', () => {
  const quorum = { witnesses: [parseWitnessKey(witness.vkey)], quorum: 1, maxAge: 3_600_000 };
  const cosigned = (directory: string, ago = 0) => {
    const note = readFileSync(join(directory, 'checkpoint'), 'utf8');
    const text = note.slice(0, note.indexOf('\n\n') + 1);
    return note + witness.cosign(text, Math.floor(Date.now() / 1e3) - ago);
  };

  test('must have cosigned it, and lately', async () => {
    expect(await found([ledger], { quorum })).toEqual(['QUORUM_MISSING']);
    writeFileSync(join(ledger, 'checkpoint'), cosigned(ledger, 7_200));
    expect(await found([ledger], { quorum })).toEqual(['QUORUM_MISSING']);
    writeFileSync(join(ledger, 'checkpoint'), cosigned(ledger));
    expect(await found([ledger], { quorum })).toEqual([]);
  });

  test('show by what they have cosigned that the end was cut off, or that there is another history', async () => {
    const other = copy(ledger, 'other');
    mkdirSync(join(ledger, 'witnesses'));
    const kept = join(ledger, 'witnesses', parseWitnessKey(witness.vkey).id);
    await grow(10, other, 5_000);
    writeFileSync(kept, cosigned(other));
    const { place } = await served(ledger);
    for (const at of [ledger, place]) expect(await found([at], { quorum })).toEqual(['LEDGER_ROLLED_BACK']);
    await grow(20, ledger, 300);
    const [report] = await monitor([ledger], { quorum }).round();
    expect(report?.findings).toMatchObject([{ name: 'LEDGER_FORKED' }]);
    const evidence = readFileSync(report?.findings[0]?.evidence ?? '', 'utf8');
    expect(readHeads(evidence).map(({ size }) => size)).toEqual([310, 320]);
  });
});

describe('a place that cannot be looked at', () => {
  test.each<[string, keyof typeof MISBEHAVIOURS, string[]]>([
    ['hangs up', 'hang up', ['UNREACHABLE']],
    ['resets', 'reset', ['UNREACHABLE']],
    ['cuts short', 'cut short', ['UNREACHABLE']],
    ['does not speak HTTP', 'no http', ['UNREACHABLE']],
    ['answers hugely', 'gzip bomb', ['CHECKPOINT_INVALID']],
    ['answers with too much', 'large answer', ['CHECKPOINT_INVALID']],
    ['never answers', 'hang', ['UNREACHABLE']],
    ['answers for ever', 'slow drip', ['UNREACHABLE']],
  ])('is named: it %s', async (_what, how, expected) => {
    const { url, acts } = await served(ledger);
    acts.set('*', MISBEHAVIOURS[how]);
    const patience = how === 'hang' || how === 'slow drip' ? 500 : undefined;
    expect(await found([placeAtUrl(url, ['127.0.0.1'], patience)])).toEqual(expected);
  });

  test('is nothing that is said of the ledger, and the next round finds it well', async () => {
    const { place, acts, close } = await served(ledger);
    const watching = monitor([place, join(folder, 'not-mounted')]);
    acts.set('*', (response) => response.writeHead(503).end());
    const [report, other] = await watching.round();
    expect(report?.findings).toEqual([{ name: 'UNREACHABLE', text: 'it cannot be looked at (HTTP_503)' }]);
    expect(other?.findings).toMatchObject([{ name: 'UNREACHABLE', text: expect.stringContaining('ENOENT') }]);
    acts.clear();
    expect(names(await watching.round())[0]).toEqual([]);
    await close();
    expect((await watching.round())[0]?.findings).toMatchObject([
      { text: expect.stringMatching(/ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET/) },
    ]);
  });

  test('is not asked at a private address unless that is allowed', async () => {
    const { url } = await served(ledger);
    const [report] = await monitor([placeAtUrl(url, [])]).round();
    expect(report?.findings).toEqual([
      {
        name: 'UNREACHABLE',
        text: 'it cannot be looked at (ADDRESS_REFUSED): name its host with --allow-private-host',
      },
    ]);
  });
});

describe('what was seen', () => {
  test('is one monitor’s at a time, and is not trusted where somebody has changed it', async () => {
    const first = monitor();
    await first.round();
    expect(() => monitor()).toThrow(`another monitor uses ${join(folder, 'monitor')}`);
    await first.close();
    const [file = ''] = readdirSync(join(folder, 'monitor')).filter((name) => name.endsWith('.json'));
    const path = join(folder, 'monitor', file);
    const kept = readFileSync(path, 'utf8');
    for (const text of ['', '{}', kept.replace('\\n300\\n', '\\n200\\n'), kept.replaceAll(ORIGIN, 'x')]) {
      writeFileSync(path, text);
      expect(() => monitor()).toThrow('cannot be trusted');
    }
    writeFileSync(path, kept);
    expect(await found()).toEqual([]);
  });
});

test('an end cuts short what hangs', async () => {
  const { place, acts, received } = await served(ledger);
  acts.set('*', MISBEHAVIOURS.hang);
  const watching = monitor([place]);
  const round = watching.round();
  await vi.waitFor(() => expect(received).toHaveLength(1), PATIENCE);
  await watching.close();
  expect(await round).toEqual([]);
});
