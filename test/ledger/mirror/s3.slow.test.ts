import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  compareCopies,
  type Ledger,
  openLedger,
  openMirror,
  restoreLedger,
  verifyLedger,
} from '../../../src/ledger/index.ts';
import { parseVerifierKey } from '../../../src/ledger/proof/note.ts';
import complianceTracer from '../../../src/tracers/compliance.ts';
import { runInProcess } from '../../cli/in-process.ts';
import { PATIENCE } from '../../support/eventually.ts';
import { freePort } from '../../support/server.ts';
import { entries, newSigner, settingsFor } from '../written-ledger.ts';

//  Slow: a real S3-compatible server, which is started, ended and started again.

/** Built by `go install github.com/versity/versitygw/cmd/versitygw@v1.8.0`, which takes minutes: never by this test. */
const PROGRAM = [
  'versitygw',
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vcon-otel', 'versitygw-1.8.0'),
].find((path) => spawnSync(path, ['--version']).status === 0);
const MISSING = PROGRAM ? undefined : 'versitygw is neither on the path nor in the cache';
const [KEY_ID, SECRET] = ['test-access', 'test-secret-of-a-test'];
const BUCKET = 'second-copy';

describe.skipIf(MISSING)(`a mirror in S3${MISSING ? ` (skipped: ${MISSING})` : ''}`, () => {
  const root = mkdtempSync(join(tmpdir(), 'vcon-otel-s3-'));
  const at = (...path: string[]) => join(root, ...path);
  const signer = newSigner();
  const verifiers = [parseVerifierKey(signer.vkey)];
  const ledgers: Ledger[] = [];
  let server: ChildProcess;
  let port: number;
  let client: S3Client;

  async function start() {
    server = spawn(
      PROGRAM ?? '',
      ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', '--versioning-dir', at('versions'), at('data')],
      { stdio: 'ignore', env: { ...process.env, ROOT_ACCESS_KEY: KEY_ID, ROOT_SECRET_KEY: SECRET } },
    );
    await vi.waitUntil(
      () =>
        fetch(endpoint()).then(
          () => true,
          () => false,
        ),
      PATIENCE,
    );
  }
  async function stop() {
    server.kill();
    await vi.waitUntil(() => server.exitCode !== null || server.signalCode !== null, PATIENCE);
  }
  const endpoint = () => `http://127.0.0.1:${port}`;
  const options = (prefix: string) => ({
    type: 's3' as const,
    bucket: BUCKET,
    prefix,
    region: 'us-east-1',
    endpoint: endpoint(),
    access_key_id: KEY_ID,
    secret_access_key: SECRET,
  });
  function open(name: string, more = {}) {
    const notices: string[] = [];
    const ledger = openLedger(
      settingsFor(at(name), signer, {
        checkpoint: { every: 20, interval: 1_000_000 },
        mirror: openMirror({ ...options(name), ...more }),
        segmentBytes: 20_000,
        notice: (about, text) => notices.push(`${about}: ${text}`),
      }),
    );
    ledgers.push(ledger);
    return { ledger, notices };
  }
  async function append(ledger: Ledger, count: number, from = 0) {
    for (let seq = from; seq < from + count; seq += 10)
      await Promise.all(entries(10, seq).map((entry) => ledger.append(entry)));
    await ledger.tend();
  }
  const caughtUp = (ledger: Ledger) =>
    vi.waitUntil(
      () => ledger.standing.mirror?.records === 0 && ledger.standing.mirror.seconds === 0,
      PATIENCE,
    );
  async function compared(name: string) {
    const place = openMirror(options(name));
    try {
      return await compareCopies(at(name), place, verifiers);
    } finally {
      await place.close();
    }
  }
  async function keys(prefix: string): Promise<string[]> {
    const { Contents = [] } = await client.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${prefix}/` }),
    );
    return Contents.map(({ Key = '' }) => Key.slice(prefix.length + 1));
  }
  async function restored(name: string) {
    const place = openMirror(options(name));
    try {
      return await restoreLedger({
        place,
        directory: at(`${name}-restored`),
        verifiers,
        operator: { actor: 'alice', system_user: 'alice' },
        progress: () => {},
      });
    } finally {
      await place.close();
    }
  }

  beforeAll(async () => {
    for (const folder of ['data', 'versions']) mkdirSync(at(folder));
    port = await freePort();
    await start();
    client = new S3Client({
      region: 'us-east-1',
      endpoint: endpoint(),
      forcePathStyle: true,
      credentials: { accessKeyId: KEY_ID, secretAccessKey: SECRET },
    });
    await client.send(new CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: true }));
  });
  afterAll(async () => {
    for (const ledger of ledgers) await ledger.close();
    await stop();
    client.destroy();
    rmSync(root, { recursive: true });
  });

  test('has every segment, compares as the same, and is brought back as it was', async () => {
    const { ledger, notices } = open('plain');
    await append(ledger, 600);
    await caughtUp(ledger);
    await append(ledger, 20, 600);
    await caughtUp(ledger);
    expect(await compared('plain')).toMatchObject({ state: 'same', signed: 620, mirrored: 620 });
    const { verdict } = await restored('plain');
    expect(verdict).toMatchObject({ verdict: 'intact', size: 620 });
    const segment = 'segments/00000000000000000000.jsonl';
    expect(readFileSync(at('plain-restored', segment))).toEqual(readFileSync(at('plain', segment)));
    expect(notices).toEqual([]);
    expect(await keys('plain')).not.toContainEqual(expect.stringMatching(/key(?!$)|requests/));
  });

  test('while the store is away the ledger goes on; when it is back, it gets what it lacks', async () => {
    const { ledger, notices } = open('away');
    await append(ledger, 100);
    await caughtUp(ledger);
    await stop();
    await append(ledger, 300, 100);
    await vi.waitUntil(() => notices.some((text) => text.includes('cannot be written')), PATIENCE);
    expect(ledger.standing.mirror?.records).toBe(300);
    expect(notices.join()).not.toContain(SECRET);
    await start();
    await caughtUp(ledger);
    expect(await compared('away')).toMatchObject({ state: 'same', mirrored: 400 });
  });

  test('many checkpoints leave few objects, and the same bytes', async () => {
    const { ledger } = open('folded');
    for (let from = 0; from < 700; from += 10) {
      await append(ledger, 10, from);
      await caughtUp(ledger);
    }
    const history = (await keys('folded')).filter((key) => key.startsWith('checkpoints.parts/'));
    expect(history.length).toBeLessThan(64);
    expect(await compared('folded')).toMatchObject({ state: 'same', mirrored: 700 });
    expect((await restored('folded')).verdict.verdict).toBe('intact');
  });

  test('what another has written in its place is found, and nothing is written over it', async () => {
    const { ledger } = open('changed');
    await append(ledger, 20);
    await caughtUp(ledger);
    await ledger.close();
    const [part = ''] = (await keys('changed')).filter((key) => key.startsWith('segments/'));
    const whole = readFileSync(at('changed', 'segments/00000000000000000000.jsonl'));
    const length = Number(part.slice(-16));
    const other = Buffer.from(whole.subarray(0, length).toString().replace('chain', 'chaim'));
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `changed/${part}`, Body: other }));
    expect(await compared('changed')).toMatchObject({ state: 'differs', difference: { seq: 0 } });
    const { ledger: next, notices } = open('changed');
    await append(next, 20, 20);
    await vi.waitUntil(() => notices.some((text) => text.includes('nothing is overwritten')), PATIENCE);
  });

  test('with object_lock, what was written cannot be deleted', async () => {
    const { ledger } = open('locked', { object_lock: { mode: 'governance', days: 1 } });
    await append(ledger, 40);
    await caughtUp(ledger);
    const { Versions = [] } = await client.send(
      new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: 'locked/segments/' }),
    );
    expect(Versions.length).toBeGreaterThan(0);
    for (const { Key, VersionId } of Versions) {
      const kept = await client.send(new GetObjectRetentionCommand({ Bucket: BUCKET, Key, VersionId }));
      expect(kept.Retention?.Mode).toBe('GOVERNANCE');
      await expect(
        client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key, VersionId })),
      ).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    }
    expect(await compared('locked')).toMatchObject({ state: 'same', mirrored: 40 });
  });

  test('the commands take s3://, and doctor says what is wrong with it', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', KEY_ID);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET);
    const url = `s3://${BUCKET}/plain?region=us-east-1&endpoint=${encodeURIComponent(endpoint())}`;
    const verified = await runInProcess(['audit', 'verify', at('plain'), '--mirror', url, '--without-keys']);
    expect([verified.stdout, verified.code]).toEqual([expect.stringContaining('the same 620 records'), 0]);
    const back = await runInProcess(['audit', 'restore', url, at('by-command')]);
    expect([back.stderr.includes('100 %'), back.code]).toEqual([true, 0]);
    expect(verifyLedger({ directory: at('by-command'), verifiers }).verdict).toBe('intact');
    vi.unstubAllEnvs();
    const probe = async (mirror: object) => {
      const checked = complianceTracer.options?.parse({ directory: at('plain'), mirror });
      if (!checked) throw new Error('it has no options');
      return complianceTracer.probe?.(checked, { name: 'ledger', timeout: 30_000 });
    };
    expect(await probe(options('plain'))).toContainEqual({
      state: 'ok',
      text: `its mirror in s3://${BUCKET}/plain/ can be read`,
    });
    expect(await probe({ ...options('plain'), bucket: 'no-such-bucket' })).toContainEqual(
      expect.objectContaining({ state: 'fault', text: expect.stringContaining('NoSuchBucket') }),
    );
    expect(existsSync(at('by-command', 'restoring'))).toBe(false);
  });
});
