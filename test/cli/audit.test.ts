import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { KeyStore, leaveRequest, ledgerSigner, openLedger, type Signer } from '../../src/ledger/index.ts';
import { commitmentTo } from '../../src/ledger/keys/key-store.ts';
import { entries, newSigner, settingsFor, uuidOf, writeLedger } from '../ledger/written-ledger.ts';
import { jsonLines } from './command-line.ts';
import { runInProcess } from './in-process.ts';

const FIRST = 'segments/00000000000000000000.jsonl';
let folder: string;
let directory: string;
let signer: Signer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vcon-otel-audit-'));
  directory = join(folder, 'ledger');
  signer = newSigner();
  await writeLedger(directory, signer, 300);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const audit = (...args: string[]) => runInProcess(['audit', ...args], { cwd: folder });

/** A copy of the ledger that may be spoiled. */
async function another(name: string): Promise<string> {
  const path = join(folder, name);
  await writeLedger(path, signer, 20);
  return path;
}

describe('verify', () => {
  test('an intact ledger ends with 0 and a few lines', async () => {
    const { code, stdout, stderr } = await audit('verify', directory, '--key', signer.vkey);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      [
        '✓ intact',
        '  records      300, 300 signed',
        '  checkpoints  1, of ledger.example/test',
        '  rollback     not excluded: only a checkpoint kept elsewhere shows it (--since)',
        '  open         1 runs without an end (under way, or broken off)',
        '',
      ].join('\n'),
    );
  });

  test('without --key it says whose word it takes', async () => {
    const { code, stderr } = await audit('verify', 'ledger');
    expect([code, stderr]).toEqual([0, expect.stringContaining('the key beside the ledger')]);
  });

  test('a tampered one ends with 1 and names record, file and byte', async () => {
    const path = await another('tampered');
    const lines = readFileSync(join(path, FIRST), 'utf8').split('\n');
    lines[7] = String(lines[7]).replace('main', 'mail');
    writeFileSync(join(path, FIRST), lines.join('\n'));
    const { code, stdout } = await audit('verify', path, '--key', signer.vkey);
    expect(code).toBe(1);
    const offset =
      lines.slice(0, 7).join('\n').length + 1 + lines.slice(0, 7).filter((line) => line.includes('ñ')).length;
    expect(stdout).toContain('✗ tampered: record 7 ');
    expect(stdout).toContain(`${join(path, FIRST)}, byte ${offset}\n`);
  });

  test('records of which nothing is signed are said to be anybody’s, and end with 6', async () => {
    const path = await another('unsigned');
    for (const name of ['checkpoint', 'checkpoints', 'tile']) rmSync(join(path, name), { recursive: true });
    const { code, stdout } = await audit('verify', path, '--key', signer.vkey);
    expect([code, stdout]).toEqual([6, expect.stringMatching(/^✗ not signed: nothing here is signed/)]);
    // Without a key to check it against nobody says that there must be a signature; the records are nobody's all the same.
    const unkeyed = await audit('verify', path);
    expect([unkeyed.code, unkeyed.stdout]).toEqual([
      2,
      expect.stringContaining('  not signed   20 records: '),
    ]);
  });

  test.each([['emptied'], ['deleted']])('a ledger whose files were all %s is not intact', async (how) => {
    const path = await another(`all-${how}`);
    const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    for (const { parentPath, name } of files) {
      if (name === 'lock') continue;
      if (how === 'deleted') rmSync(join(parentPath, name));
      else writeFileSync(join(parentPath, name), '');
    }
    const anchor = join(folder, 'all-anchor');
    writeFileSync(anchor, readFileSync(join(directory, 'checkpoint')));
    for (const [args, expected] of [
      [['--key', signer.vkey], 6],
      [['--key', signer.vkey, '--strict'], 6],
      [['--key', signer.vkey, '--since', anchor], 5],
    ] as const)
      expect((await audit('verify', path, ...args)).code).toBe(expected);
  });

  test('strictly, a ledger of which nothing kept elsewhere says that it is no older copy fails', async () => {
    const path = await another('strict');
    const strict = ['verify', path, '--key', signer.vkey, '--strict'];
    const alone = await audit(...strict);
    expect([alone.code, alone.stdout]).toEqual([1, expect.stringContaining('open         1 runs')]);
    await writeLedger(path, signer, 24);
    expect((await audit(...strict)).code).toBe(5);
    const { code, stdout } = await audit(...strict, '--since', join(path, 'checkpoint'));
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('rollback     excluded up to the 24 records'),
    ]);
    // Nobody records what a command has left.
    leaveRequest(path, { event: 'ledger_exported', format: 'cef', actor: 'A. Reader' });
    expect((await audit(...strict, '--since', join(path, 'checkpoint'))).code).toBe(0);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_700_000 });
    onTestFinished(() => void vi.useRealTimers());
    const late = await audit(...strict, '--since', join(path, 'checkpoint'));
    expect([late.code, late.stdout]).toEqual([1, expect.stringContaining('waiting      1 deeds')]);
  });

  test('strictly, a destroyed key that is still to be recorded fails, until it is', async () => {
    const path = join(folder, 'destroyed');
    const ledger = openLedger(settingsFor(path, signer));
    const keys = new KeyStore(path);
    const hashed = await keys.keyed(uuidOf(0), 'a document');
    const key_commitment = commitmentTo((await keys.read(uuidOf(0))) ?? Buffer.alloc(0));
    const content = {
      content_hash: hashed?.hash,
      content_binding: 'hmac',
      hash_algorithm: 'sha256',
      key_commitment,
    } as const;
    for (const entry of entries(8))
      await ledger.append(entry.event === 'chain_error' ? { ...entry, ...content } : entry);
    await ledger.close();
    const lenient = ['verify', path, '--key', signer.vkey, '--since', join(path, 'checkpoint')];
    const verify = () => audit(...lenient, '--strict');
    expect((await verify()).code).toBe(0);
    // The private key is not at hand.
    expect((await audit('shred', path, '--vcon', uuidOf(0))).code).toBe(0);
    expect((await audit(...lenient)).code).toBe(0);
    const { code, stdout } = await verify();
    expect([code, stdout]).toEqual([
      1,
      expect.stringContaining('keys         1 destroyed, which is still to be recorded'),
    ]);
    const next = openLedger(settingsFor(path, signer));
    await next.tend();
    await next.close();
    expect((await verify()).code).toBe(0);
  });

  test('a signature that was damaged is said to be one, and ends with 7', async () => {
    const path = await another('damaged');
    for (const name of ['checkpoint', 'checkpoints']) {
      const text = readFileSync(join(path, name), 'utf8');
      writeFileSync(join(path, name), text.replace(/[A-Za-z0-9+/]{9}=\n$/, 'AAAAAAAAA=\n'));
    }
    const { code, stdout } = await audit('verify', path, '--key', signer.vkey);
    expect([code, stdout]).toEqual([7, expect.stringMatching(/^✗ wrong signature: .* does not verify/)]);
  });

  test.skipIf(process.getuid?.() === 0)(
    'files that may not be read are no tampering, and end with 8',
    async () => {
      const path = await another('forbidden');
      chmodSync(join(path, FIRST), 0o000);
      const { code, stdout, stderr } = await audit('verify', path, '--key', signer.vkey);
      expect([code, stdout, stderr]).toEqual([8, '', expect.stringContaining('may not be read')]);
    },
  );

  test('a torn tail ends with 2', async () => {
    const path = await another('torn');
    appendFileSync(join(path, FIRST), '{"act');
    const { code, stdout } = await audit('verify', path, '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'torn', fault: { seq: 20 } });
  });

  test('but what a service is writing is no torn tail', async () => {
    const path = await another('live');
    const ledger = openLedger(settingsFor(path, signer));
    appendFileSync(join(path, FIRST), '{"act');
    expect((await audit('verify', path)).code).toBe(0);
    await ledger.close();
  });

  test('another key ends with 4', async () => {
    const { code, stdout } = await audit('verify', directory, '--key', newSigner().vkey);
    expect([code, stdout]).toEqual([4, expect.stringContaining('✗ unknown key')]);
  });

  test('a key may be in a file, and there may be more than one', async () => {
    writeFileSync(join(folder, 'key'), `${signer.vkey}\n`);
    expect((await audit('verify', directory, '--key', newSigner().vkey, '--key', 'key')).code).toBe(0);
  });

  test('with --since it must have grown from an older checkpoint', async () => {
    const short = await another('short');
    const [old, now] = [join(short, 'checkpoint'), join(directory, 'checkpoint')];
    expect((await audit('verify', directory, '--since', now)).code).toBe(0);
    expect(await audit('verify', short, '--since', now)).toMatchObject({
      code: 5,
      stdout: expect.stringContaining(
        '✗ rolled back: record 20 is missing: a checkpoint kept elsewhere has 300',
      ),
    });
    // Both were written with other times.
    expect((await audit('verify', directory, '--since', old)).code).toBe(5);
  });

  test('what is incomplete is shown, and tampered with --strict', async () => {
    const path = join(folder, 'gaps');
    const ledger = openLedger(settingsFor(path, signer));
    await Promise.all(entries(16).flatMap((entry, i) => (i === 2 || i === 11 ? [] : [ledger.append(entry)])));
    await ledger.close();
    const { code, stdout } = await audit('verify', path);
    expect(code).toBe(0);
    expect(stdout).toContain('incomplete   1 steps without an end, in runs that ended');
    expect(stdout).toContain('incomplete   1 ends without a start');
    expect((await audit('verify', path, '--strict')).code).toBe(1);
  });

  test.each([
    [['verify']],
    [['verify', 'no-such-directory']],
    [['verify', '.']],
    [['verify', 'ledger', '--key', 'nonsense']],
    [['verify', 'ledger', '--no-such-option']],
    [['verify', 'ledger', '--since', 'no-such-file']],
    [['prove', 'ledger']],
    [['verify', '--proof', 'no-such-file', '--key', 'x']],
  ])('%j is wrong usage or a file that cannot be used, and ends with 3', async (args) => {
    const { code, stderr } = await audit(...args);
    expect([code, stderr]).toEqual([3, expect.stringMatching(/^vcon-otel: /)]);
  });
});

describe('prove', () => {
  test('its bundle is checked offline, without the ledger', async () => {
    const { code, stdout } = await audit('prove', directory, '--vcon', uuidOf(3));
    expect(code).toBe(0);
    writeFileSync(join(folder, 'proof.json'), stdout);
    const checked = await audit('verify', '--proof', 'proof.json', '--key', signer.vkey);
    expect([checked.code, checked.stdout]).toEqual([
      0,
      [
        '✓ proven: 8 records are in the ledger of 300 records of ledger.example/test',
        '  records 0 to 299 were looked through, says whoever made this; only the ledger shows that there are no others',
        '',
      ].join('\n'),
    ]);
    expect((await audit('verify', '--proof', 'proof.json', '--key', newSigner().vkey)).code).toBe(4);
  });

  test('a bundle in which anything was changed is refused', async () => {
    const bundle = JSON.parse((await audit('prove', directory, '--vcon', uuidOf(4))).stdout);
    const [record] = bundle.records;
    const changed: Record<string, unknown> = {
      record: { ...bundle, records: [{ ...record, record: record.record.replace('main', 'mail') }] },
      index: { ...bundle, records: [{ ...record, index: record.index + 1 }] },
      proof: { ...bundle, records: [{ ...record, proof: record.proof.slice(1) }] },
      twice: { ...bundle, records: [record, record] },
      vcon: { ...bundle, vcon_uuid: uuidOf(5) },
      checkpoint: { ...bundle, checkpoint: bundle.checkpoint.replace('\n300\n', '\n301\n') },
    };
    for (const [name, value] of Object.entries(changed)) {
      writeFileSync(join(folder, `${name}.json`), JSON.stringify(value));
      const { code, stdout } = await audit('verify', '--proof', `${name}.json`, '--key', signer.vkey);
      expect([name, code, stdout]).toEqual([name, 1, expect.stringMatching(/^✗ refused: /)]);
    }
  });

  test('with its key, a document can be told from another one', async () => {
    const path = join(folder, 'content');
    const ledger = openLedger(settingsFor(path, signer));
    const keys = new KeyStore(path);
    const [entry] = entries(1);
    if (!entry || !('run_id' in entry)) throw new Error('no event');
    const content_hash = (await keys.hmac(uuidOf(0), 'the document')) ?? null;
    await ledger.append({ ...entry, content_hash, hash_algorithm: 'sha256', content_binding: 'hmac' });
    await ledger.close();
    writeFileSync(
      join(folder, 'content.json'),
      (await audit('prove', path, '--vcon', uuidOf(0), '--with-content-key')).stdout,
    );
    const check = async (text: string) => {
      writeFileSync(join(folder, 'document'), text);
      return (
        await audit('verify', '--proof', 'content.json', '--key', signer.vkey, '--document', 'document')
      ).stdout;
    };
    expect(await check('the document')).toContain('the document matches records 0');
    expect(await check('the documents')).toContain('the document matches none of these records');
  });
});

describe('of a vCon that the ledger does not know', () => {
  test.each(['not-a-uuid', '018f0000-0000-8000-8000-ffffffffffff'])('nothing is proven: %s', async (uuid) => {
    const { code, stdout, stderr } = await audit('prove', directory, '--vcon', uuid);
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('no record mentions it')]);
  });

  test('a bundle without a record is refused: it proves nothing', async () => {
    const bundle = JSON.parse((await audit('prove', directory, '--vcon', uuidOf(3))).stdout);
    writeFileSync(join(folder, 'none.json'), JSON.stringify({ ...bundle, records: [] }));
    const { code, stdout } = await audit('verify', '--proof', 'none.json', '--key', signer.vkey);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^✗ refused: .* proves nothing/)]);
  });

  test.each(['not-a-uuid', '018f0000-0000-8000-8000-ffffffffffff'])(
    'no key is destroyed: %s',
    async (uuid) => {
      const path = await another('unknown-vcon');
      const { code, stdout, stderr } = await audit('shred', path, '--vcon', uuid);
      expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('nothing was destroyed')]);
      expect(existsSync(join(path, 'requests'))).toBe(false);
      expect(existsSync(join(path, 'keys'))).toBe(false);
    },
  );
});

test('a uuid in capital letters is the same uuid', async () => {
  const path = await another('capitals');
  const keys = new KeyStore(path);
  const uuid = '018f0000-0000-8000-8000-00000000000a';
  await keys.hmac(uuid, 'x');
  expect((await audit('shred', path, '--vcon', uuid.toUpperCase())).code).toBe(0);
  expect(keys.commitment(uuid)).toBeUndefined();
  const { stdout } = await audit('prove', directory, '--vcon', uuidOf(10).toUpperCase());
  expect(JSON.parse(stdout)).toMatchObject({ vcon_uuid: uuidOf(10), covers: { from: 0, to: 300 } });
});

test('nothing is handed on of a ledger that is not intact, but what is asked for as it is', async () => {
  const path = await another('not-handed-on');
  const lines = readFileSync(join(path, FIRST), 'utf8').replace('"chain":"main"', '"chain":"mail"');
  writeFileSync(join(path, FIRST), lines);
  for (const args of [
    ['export', path],
    ['prove', path, '--vcon', uuidOf(1)],
  ]) {
    const { code, stdout, stderr } = await audit(...args);
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('✗ tampered: record 0 ')]);
    expect((await audit(...args, '--unverified')).code).toBe(0);
  }
});

test('keys are compared, unless this is a copy that was made without them', async () => {
  const path = await another('keys');
  const ledger = openLedger(settingsFor(path, signer));
  const keyed = await new KeyStore(path).keyed(uuidOf(9), 'the document');
  const [entry] = entries(1, 72);
  if (!entry || !('run_id' in entry) || !keyed) throw new Error('no event');
  const said = { content_binding: 'hmac', hash_algorithm: 'sha256' } as const;
  await ledger.append({ ...entry, ...said, content_hash: keyed.hash, key_commitment: keyed.commitment });
  await ledger.close();
  const verify = (...args: string[]) => audit('verify', path, '--key', signer.vkey, ...args);
  expect((await verify()).code).toBe(0);
  rmSync(join(path, 'keys'), { recursive: true });
  const { code, stdout } = await verify();
  expect([code, stdout]).toEqual([9, expect.stringMatching(/^✗ key lost: record 20 was made with a key/)]);
  const without = await verify('--without-keys');
  expect([without.code, without.stdout]).toEqual([0, expect.stringContaining('keys         not looked at')]);
});

test('keygen writes a key for its owner only, prints its verifier key, and writes over nothing', async () => {
  const { code, stdout } = await audit('keygen', '--origin', 'example.com/audit', '--out', 'made/key.pem');
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/^example\.com\/audit\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}\n$/),
  ]);
  expect(statSync(join(folder, 'made/key.pem')).mode & 0o777).toBe(0o600);
  expect((await audit('keygen', '--origin', 'example.com/audit', '--out', 'made/key.pem')).code).toBe(3);
});

describe('export', () => {
  test('jsonl is the records as they are', async () => {
    const { code, stdout } = await audit('export', directory, '--format', 'jsonl');
    expect([code, stdout]).toEqual([0, readFileSync(join(directory, FIRST), 'utf8')]);
  });

  test('ocsf has the fields that its base event and entity management require', async () => {
    const events = jsonLines((await audit('export', directory, '--format', 'ocsf')).stdout);
    expect(events).toHaveLength(300);
    expect(events[4]).toMatchObject({
      category_uid: 3,
      class_uid: 3004,
      activity_id: 99,
      type_uid: 300_499,
      time: 1_772_366_400_004,
      severity_id: 3,
      status_id: 2,
      entity: { uid: uuidOf(0) },
      metadata: { version: '1.3.0', product: { vendor_name: 'vcon-otel' }, sequence: 4 },
    });
  });

  test('a chain whose end cannot be known is neither a success nor a failure, and its run is over', async () => {
    const path = join(folder, 'lost');
    const ledger = openLedger(settingsFor(path, signer));
    const [entry] = entries(1);
    if (!entry || !('run_id' in entry)) throw new Error('no event');
    const record_id = `${entry.run_id}/chain/lost`;
    await ledger.append(entry);
    await ledger.append({ ...entry, record_id, event: 'chain_lost', outcome: 'unknown' });
    await ledger.close();
    const [, event] = jsonLines((await audit('export', path, '--format', 'ocsf')).stdout);
    expect(event).toMatchObject({
      status_id: 0,
      status: 'Unknown',
      status_detail: 'unknown',
      severity_id: 1,
    });
    const { code, stdout } = await audit('verify', path, '--key', signer.vkey);
    expect([code, stdout]).toEqual([0, expect.not.stringContaining('open')]);
  });

  test('cef escapes what has a meaning in it', async () => {
    const path = join(folder, 'escapes');
    const ledger = openLedger(settingsFor(path, signer));
    const [entry] = entries(1);
    if (!entry || !('run_id' in entry)) throw new Error('no event');
    await ledger.append({ ...entry, chain: 'a=b\\c\nd|e' });
    await ledger.close();
    const { stdout } = await audit('export', path, '--format', 'cef');
    expect(stdout).toMatch(/^CEF:0\|vcon-otel\|vcon-otel\|[\d.]+\|chain_start\|chain start\|3\|rt=\d+ .*\n$/);
    expect(stdout).toContain(String.raw` cs2=a\=b\\c\nd|e `);
  });
});

test('shred records what it did, and the ledger verifies', async () => {
  const path = join(folder, 'shredded');
  const made = await audit('keygen', '--origin', 'ledger.example/test', '--out', 'shredded-key.pem');
  expect(made.code).toBe(0);
  const { signer: own } = ledgerSigner(folder, 'ledger.example/test', join(folder, 'shredded-key.pem'));
  await writeLedger(path, own, 10);
  await new KeyStore(path).hmac(uuidOf(0), 'x');
  const { code, stdout } = await audit('shred', path, '--vcon', uuidOf(0), '--key-file', 'shredded-key.pem');
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/The key is destroyed.*\nThe ledger has recorded this\.\n/),
  ]);
  const { stdout: verdict } = await audit('verify', path, '--key', own.vkey, '--json');
  expect(JSON.parse(verdict)).toMatchObject({ verdict: 'intact', size: 11 });
});

describe('export --format tiles', () => {
  test('publishes a ledger in a folder, and verify compares it; only the first time is recorded', async () => {
    const path = await another('to-publish');
    const export_ = () => audit('export', path, '--format', 'tiles', '--out', 'published');
    expect(await export_()).toMatchObject({
      code: 0,
      stdout: 'published has the first 20 records: 2 files written, 0 deleted.\n',
    });
    expect(readdirSync(join(path, 'requests'))).toHaveLength(1);
    expect(await export_()).toMatchObject({ code: 0, stdout: expect.stringContaining(' 0 files written') });
    expect(readdirSync(join(path, 'requests'))).toHaveLength(1);
    const verify = () => audit('verify', path, '--key', signer.vkey, '--published', 'published');
    expect(await verify()).toMatchObject({ code: 0, stderr: '' });
    writeFileSync(join(folder, 'published/tile/entries/000.p/20'), '');
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(stdout).toContain('✗ tampered: the published log is another: a tile or an entry bundle differs\n');
    expect(stdout).toContain(`${join(folder, 'published/tile/entries/000.p/20')}, byte 0\n`);
  });

  test('says how far it is where there is much to write', async () => {
    const path = join(folder, 'long');
    const ledger = openLedger(settingsFor(path, signer));
    for (let from = 0; from < 13_000; from += 6_500)
      await Promise.all(entries(6_500, from).map((entry) => ledger.append(entry)));
    await ledger.close();
    const { code, stdout, stderr } = await audit('export', path, '--format', 'tiles', '--out', 'long-out');
    const [, written] = /: (\d+) files written/.exec(stdout) ?? [];
    const lines = stderr.trim().split('\n');
    expect([code, lines.length, lines.at(-1)]).toEqual([
      0,
      10,
      `vcon-otel: 100 % of ${written} files are written`,
    ]);
    expect(await audit('export', path, '--format', 'tiles', '--out', 'long-out')).toMatchObject({
      stderr: '',
    });
  });

  test('is refused where the ledger is an older copy, and says what it needs', async () => {
    const path = await another('rolled-back');
    expect((await audit('export', path, '--format', 'tiles', '--out', 'kept')).code).toBe(0);
    rmSync(path, { recursive: true });
    await writeLedger(path, signer, 8);
    expect(await audit('export', path, '--format', 'tiles', '--out', 'kept')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('the published log has a checkpoint of 20 records'),
    });
    writeFileSync(join(path, FIRST), '');
    expect((await audit('export', path, '--format', 'tiles', '--out', 'spoiled')).code).toBe(1);
    for (const wrong of [
      ['--format', 'tiles'],
      ['--out', 'x'],
      ['--format', 'tiles', '--out', 'x', '--unverified'],
    ])
      expect((await audit('export', path, ...wrong)).code).toBe(3);
  });
});

describe('prove --format tlog-proof', () => {
  const prove = (...args: string[]) => audit('prove', directory, '--vcon', uuidOf(5), ...args);

  test('writes a C2SP tlog-proof of each record, which verify reads, and refuses where a byte was changed', async () => {
    const { code, stdout } = await prove('--format', 'tlog-proof', '--out', 'proofs');
    const names = Array.from({ length: 8 }, (_, i) => `proofs/${40 + i}.tlog-proof`);
    expect([code, stdout]).toEqual([0, names.map((name) => `${name}\n`).join('')]);
    const path = join(folder, 'proofs/42.tlog-proof');
    const text = readFileSync(path, 'utf8');
    const lines = text.split('\n');
    expect([lines[0], lines[2]]).toEqual(['c2sp.org/tlog-proof@v1', 'index 42']);
    const record = Buffer.from(lines[1]?.slice('extra '.length) ?? '', 'base64').toString();
    expect(JSON.parse(record)).toMatchObject({ seq: 42, vcon_uuid: uuidOf(5) });
    expect(text.endsWith(`\n\n${readFileSync(join(directory, 'checkpoint'), 'utf8')}`)).toBe(true);
    const verify = () => audit('verify', '--proof', path, '--key', signer.vkey);
    const verified = await verify();
    expect([verified.code, verified.stdout.split('\n').slice(0, 2)]).toEqual([
      0,
      ['✓ proven: 1 records are in the ledger of 300 records of ledger.example/test', `  ${record}`],
    ]);
    const codes = [];
    for (let at = 30; at < text.length; at += 41) {
      const changed = text[at] === 'A' ? 'B' : 'A';
      writeFileSync(path, text.slice(0, at) + changed + text.slice(at + 1));
      codes.push((await verify()).code);
    }
    expect(codes).not.toContain(0);
    expect(codes).toContain(1);
    writeFileSync(path, text);
    expect((await audit('verify', '--proof', path, '--key', newSigner().vkey)).code).toBe(4);
    writeFileSync(path, text.replace(/^extra .*\n/m, ''));
    expect(await verify()).toMatchObject({ code: 3, stderr: expect.stringContaining('extra data') });
  });

  test('needs a folder, and has no room for a key', async () => {
    for (const wrong of [
      ['--format', 'tlog-proof'],
      ['--out', 'x'],
      ['--format', 'tlog-proof', '--out', 'x', '--with-content-key'],
    ])
      expect((await prove(...wrong)).code).toBe(3);
  });
});

describe('consistency', () => {
  test('proves that a ledger has grown, from checkpoints and from sizes', async () => {
    const path = join(folder, 'grown');
    const checkpoints: string[] = [];
    for (const size of [100, 260]) {
      await writeLedger(path, signer, size);
      checkpoints.push(join(folder, `checkpoint-${size}`));
      writeFileSync(checkpoints.at(-1) ?? '', readFileSync(join(path, 'checkpoint')));
    }
    const [old = '', grown = ''] = checkpoints;
    const json = await audit('consistency', path, old, grown, '--key', signer.vkey, '--json');
    expect([json.code, json.stderr]).toEqual([0, '']);
    const proven = JSON.parse(json.stdout);
    expect(proven).toMatchObject({
      consistent: true,
      origin: 'ledger.example/test',
      old: { size: 100, root: readFileSync(old, 'utf8').split('\n')[2] },
      new: { size: 260, root: readFileSync(grown, 'utf8').split('\n')[2] },
    });
    expect(proven.proof.length).toBeGreaterThan(3);
    const lines = await audit('consistency', path, '100');
    expect([lines.code, lines.stdout]).toEqual([
      0,
      `✓ consistent: the ledger of 260 records of ledger.example/test has grown from its first 100\n${proven.proof
        .map((hash: string) => `  ${hash}\n`)
        .join('')}`,
    ]);
    for (const size of ['0', '1', '128', '256', '260'])
      expect((await audit('consistency', path, size)).code).toBe(0);
  });

  test('has the exit codes of verify for what is not so', async () => {
    const path = await another('not-grown');
    const other = join(folder, 'not-of-it');
    const open = openLedger(settingsFor(other, signer));
    await Promise.all(entries(10, 1).map((entry) => open.append(entry)));
    await open.close();
    const code = async (...args: string[]) => (await audit('consistency', path, ...args)).code;
    expect(await code(join(other, 'checkpoint'))).toBe(5);
    expect(await code(join(directory, 'checkpoint'))).toBe(5);
    expect(await code('21')).toBe(5);
    expect(await code('20', '10')).toBe(5);
    expect(await code('10', '--key', newSigner().vkey)).toBe(4);
    expect(await code('no-such-file')).toBe(3);
    const note = readFileSync(join(path, 'checkpoint'), 'utf8');
    const forged = join(folder, 'forged-checkpoint');
    writeFileSync(forged, note.replace('\n20\n', '\n19\n'));
    expect(await code(forged)).toBe(7);
    writeFileSync(forged, 'nothing');
    expect(await code(forged)).toBe(3);
    const tile = join(path, 'tile/0/000.p/20');
    const bytes = readFileSync(tile);
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    writeFileSync(tile, bytes);
    expect(await code('10')).toBe(1);
    rmSync(tile);
    expect(await code('10')).toBe(1);
  });
});
