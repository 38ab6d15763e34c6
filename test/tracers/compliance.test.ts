import { spawnSync } from 'node:child_process';
import { createHmac, hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  checkProof,
  destroyKey,
  hashAlgorithms,
  hashOf,
  KeyStore,
  parseVerifierKey,
  proveVcon,
  recordAtOnce,
  retentionPeriod,
  verifyLedger,
} from '../../src/ledger/index.ts';
import { VconOtelError } from '../../src/model/error.ts';
import type { Options } from '../../src/model/tracer.ts';
import { emptyVconStore, type VconStore } from '../../src/model/vcon.ts';
import { options, remarks } from '../../src/tracers/compliance/options.ts';
import { builtInTracers } from '../../src/tracers/registry.ts';
import { memoryVconStore } from '../../src/vcon-store/memory.ts';
import { eventContext, linkContext, started } from './started.ts';

const UUID = '018f0000-0000-8000-8000-000000000001';
const TEXT = '{"uuid":"018f0000-0000-8000-8000-000000000001","parties":[{"tel":"+15550100"}]}';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-compliance-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A tracer on a ledger of its own, and a store with one vCon. */
async function compliance(options: Options = {}, vcons?: VconStore) {
  const directory = join(temporaryFolder(), 'ledger');
  const store = vcons ?? memoryVconStore();
  if (!vcons) await store.write(UUID, TEXT);
  const make = () => started('tracers.compliance', { directory, ...options }, store);
  return {
    directory,
    make,
    ...(await make()),
    records: () => recordsIn(directory),
    verify: () => {
      const vkey = readFileSync(join(directory, 'ledger.vkey'), 'utf8').trim();
      return verifyLedger({ directory, verifiers: [parseVerifierKey(vkey)] });
    },
  };
}

function recordsIn(directory: string): Record<string, unknown>[] {
  return readdirSync(join(directory, 'segments')).flatMap((name) =>
    readFileSync(join(directory, 'segments', name), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );
}

const ALICE = { actor: 'alice', system_user: 'root' };

function noRemark(text: string): void {
  throw new Error(text);
}

const chainEnd = eventContext({
  eventId: '00f067aa0ba902b7/chain/complete',
  phase: 'complete',
  outcome: 'complete',
});

const forwarded = { ...chainEnd, vconSha256: hash('sha256', TEXT, 'hex') };

describe('a record', () => {
  test('has the documented fields, and says where and how', async () => {
    const { trace, shutdown, records } = await compliance();
    await trace(UUID, 'link_complete', linkContext());
    await shutdown();
    expect(records()).toEqual([
      {
        seq: 0,
        prev_hash: '0'.repeat(64),
        record_id: '00f067aa0ba902b7/link/1/complete',
        vcon_uuid: UUID,
        event: 'link_complete',
        timestamp: '2026-03-01T12:00:00.250Z',
        recorded_at: expect.stringMatching(/^\d{4}-.*Z$/),
        retention_policy: '7_years',
        actor: 'conserver',
        run_id: '00f067aa0ba902b7',
        chain: 'main',
        step: 'analyze',
        step_index: 1,
        outcome: 'success',
        trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
        span_id: '53995c3f42cd8ad8',
        lifecycle: 'vcon_enhanced',
      },
    ]);
  });

  test('names both vCons where a link made another one', async () => {
    const { trace, shutdown, records } = await compliance();
    const made = '018f0000-0000-8000-8000-000000000002';
    await trace(made, 'link_complete', linkContext({ outVconUuid: made }));
    await trace(UUID, 'link_complete', linkContext({ eventId: 'r/link/2/complete', outcome: 'halt' }));
    await shutdown();
    expect(records()[0]).toMatchObject({ vcon_uuid: made, in_vcon_uuid: UUID, lifecycle: 'vcon_created' });
    expect(records()[1]).not.toHaveProperty('lifecycle');
  });

  test('has the content hash at the end of a chain and of a storage, under a key of the vCon', async () => {
    const { trace, shutdown, records, directory } = await compliance();
    await trace(UUID, 'chain_complete', chainEnd);
    await trace(
      UUID,
      'storage_complete',
      eventContext({
        eventId: 'r/storage/s3/complete',
        stage: 'storage',
        phase: 'complete',
        storage: 's3',
        outcome: 'success',
      }),
    );
    await trace(UUID, 'link_complete', linkContext());
    await shutdown();
    const key = await new KeyStore(directory).read(UUID);
    const content_hash = createHmac('sha256', key ?? '')
      .update(TEXT)
      .digest('hex');
    const said = {
      content_hash,
      hash_algorithm: 'sha256',
      content_binding: 'hmac',
      content_observed: 'at_delivery',
    };
    expect(records()).toEqual([
      expect.objectContaining(said),
      expect.objectContaining({ ...said, step: 's3' }),
      expect.not.objectContaining({ content_hash }),
    ]);
  });

  test('has the bare hash with content_binding: hash, and none without include_content_hash', async () => {
    const bare = await compliance({ content_binding: 'hash' });
    await bare.trace(UUID, 'chain_complete', chainEnd);
    await bare.shutdown();
    expect(bare.records()[0]).toMatchObject({
      content_hash: hash('sha256', TEXT, 'hex'),
      content_binding: 'hash',
    });
    const none = await compliance({ include_content_hash: false });
    await none.trace(UUID, 'chain_complete', chainEnd);
    await none.shutdown();
    expect(none.records()[0]).not.toHaveProperty('content_hash');
  });

  const changed = { ...chainEnd, vconSha256: 'a'.repeat(64) };

  test('says that the document is the one of the event, where a hash of that moment proves it', async () => {
    const { trace, shutdown, records } = await compliance();
    await trace(UUID, 'chain_complete', forwarded);
    await trace(UUID, 'chain_complete', { ...changed, eventId: 'r/chain/complete' });
    await shutdown();
    expect(records().map(({ content_observed }) => content_observed)).toEqual(['at_event', 'at_delivery']);
  });

  test('has the hash of the moment itself with content_binding: hash, though the document is gone', async () => {
    const { trace, shutdown, records } = await compliance({ content_binding: 'hash' }, emptyVconStore);
    await trace(UUID, 'chain_complete', changed);
    await shutdown();
    expect(records()[0]).toMatchObject({ content_hash: changed.vconSha256, content_observed: 'at_event' });
  });

  const unavailable: VconStore = {
    ...emptyVconStore,
    read: () => Promise.reject(new VconOtelError('STORE_UNAVAILABLE', 'no answer')),
  };
  test.each([
    ['not_found', emptyVconStore],
    ['unavailable', unavailable],
  ])('is written although the document is %s', async (content_missing, vcons) => {
    const { trace, shutdown, records, verify } = await compliance({}, vcons);
    await trace(UUID, 'chain_complete', chainEnd);
    await shutdown();
    expect(records()[0]).toMatchObject({ content_hash: null, content_missing });
    expect(verify().verdict).toBe('intact');
  });

  test('is written once, though the event is delivered again, at once or to the next process', async () => {
    const { trace, shutdown, make, records } = await compliance();
    await Promise.all([1, 2, 3].map(() => trace(UUID, 'chain_complete', chainEnd)));
    await trace(UUID, 'chain_complete', chainEnd);
    await shutdown();
    const next = await make();
    await next.trace(UUID, 'chain_complete', chainEnd);
    await next.shutdown();
    expect(records()).toHaveLength(1);
  });

  test('that can never be written is a permanent failure', async () => {
    const { trace, shutdown } = await compliance();
    for (const facts of [{ link: '\ud800' }, { sender: '' }, { sender: 'Bearer token' }])
      await expect(trace(UUID, 'link_complete', linkContext(facts))).rejects.toMatchObject({
        permanent: true,
      });
    await shutdown();
  });
});

test('a ledger whose signing key is gone is refused, and gets no other key', async () => {
  const { directory, trace, shutdown, make } = await compliance();
  await trace(UUID, 'link_complete', linkContext());
  await shutdown();
  rmSync(join(directory, 'signing-key.pem'));
  for (let i = 0; i < 2; i += 1) await expect(make()).rejects.toMatchObject({ code: 'KEY_INVALID' });
  expect(readdirSync(directory)).not.toContain('signing-key.pem');
});

test('no content and no key is in the ledger, and its keys are for their owner only', async () => {
  const { trace, shutdown, directory } = await compliance();
  await trace(UUID, 'chain_complete', chainEnd);
  await shutdown();
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name);
    expect(readFileSync(path).includes('5550100')).toBe(false);
    if (path.includes('/keys/') || name === 'signing-key.pem')
      expect(statSync(path).mode & 0o777).toBe(0o600);
  }
  expect(statSync(join(directory, 'keys')).mode & 0o777).toBe(0o700);
});

describe('after a vCon was shredded', () => {
  test('the ledger verifies, has a record of it, and never gets a key for that vCon again', async () => {
    const { trace, shutdown, make, directory, records, verify } = await compliance();
    await trace(UUID, 'chain_complete', chainEnd);
    await shutdown();
    expect(destroyKey(directory, UUID, ALICE).existed).toBe(true);
    expect(await recordAtOnce(directory, noRemark)).toBe(true);
    expect(await new KeyStore(directory).read(UUID)).toBeUndefined();
    const next = await make();
    await next.trace(UUID, 'chain_complete', { ...chainEnd, eventId: 'again/chain/complete' });
    await next.shutdown();
    expect(records().slice(1)).toEqual([
      expect.objectContaining({ event: 'vcon_key_destroyed', ...ALICE, vcon_uuid: UUID }),
      expect.objectContaining({ content_hash: null, content_missing: 'key_destroyed' }),
    ]);
    expect(verify().verdict).toBe('intact');
  });

  test('beside a running service, the service records it', async () => {
    const { trace, shutdown, directory, records } = await compliance();
    await trace(UUID, 'chain_complete', chainEnd);
    expect(destroyKey(directory, UUID, ALICE).existed).toBe(true);
    expect(await recordAtOnce(directory, noRemark)).toBe(false);
    await trace(UUID, 'chain_complete', { ...chainEnd, eventId: 'again/chain/complete' });
    await shutdown();
    expect(records().map(({ event }) => event)).toEqual([
      'chain_complete',
      'chain_complete',
      'vcon_key_destroyed',
    ]);
    expect(records()[1]).toMatchObject({ content_missing: 'key_destroyed' });
  });
});

describe('a hash algorithm', () => {
  test.each(hashAlgorithms)(
    '%s is recorded under the name that it was configured with',
    async (algorithm) => {
      const bare = await compliance({ hash_algorithm: algorithm, content_binding: 'hash' });
      await bare.trace(UUID, 'chain_complete', forwarded);
      await bare.shutdown();
      const { content_hash, hash_algorithm } = bare.records()[0] ?? {};
      expect({ content_hash, hash_algorithm }).toEqual({
        content_hash: hashOf(algorithm, TEXT),
        hash_algorithm: algorithm,
      });
      expect(bare.verify().verdict).toBe('intact');
    },
  );

  test('of a keyed hash is the algorithm of its HMAC, and `audit prove` finds the document by it', async () => {
    const { trace, shutdown, directory, records } = await compliance({ hash_algorithm: 'sha3_512' });
    await trace(UUID, 'chain_complete', chainEnd);
    await shutdown();
    const key = await new KeyStore(directory).read(UUID);
    const content_hash = createHmac('sha3-512', key ?? '')
      .update(TEXT)
      .digest('hex');
    expect(records()[0]).toMatchObject({ content_hash, hash_algorithm: 'sha3_512', content_binding: 'hmac' });
    const bundle = JSON.stringify(proveVcon(directory, UUID, key));
    const verifiers = [parseVerifierKey(readFileSync(join(directory, 'ledger.vkey'), 'utf8').trim())];
    expect(checkProof(bundle, verifiers, TEXT)).toMatchObject({ verdict: 'proven', content: [0] });
    expect(checkProof(bundle, verifiers, '{}')).toMatchObject({ verdict: 'proven', content: [] });
  });

  const python = spawnSync('python3', ['--version']).status === 0;
  test.skipIf(!python)('has the value that Python’s hashlib.new gives it (needs python3)', () => {
    const script =
      'import hashlib, json, sys\nnames, text = json.load(sys.stdin)\nprint(json.dumps([hashlib.new(name, text.encode()).hexdigest() if name in hashlib.algorithms_available else None for name in names]))';
    const { stdout } = spawnSync('python3', ['-c', script], {
      input: JSON.stringify([hashAlgorithms, TEXT]),
      encoding: 'utf8',
    });
    const theirs = JSON.parse(stdout) as (string | null)[];
    expect(theirs.filter(Boolean).length).toBeGreaterThan(8);
    // An OpenSSL may leave some of them out.
    expect(theirs).toEqual(hashAlgorithms.map((name, i) => theirs[i] && hashOf(name, TEXT)));
  });

  test.each([
    ['md5', 1],
    ['sha1', 1],
    ['sha224', 0],
  ] as const)('%s is warned of: %i', (hash_algorithm, count) => {
    const given = options.parse({ directory: 'x', hash_algorithm });
    expect(remarks(given)).toHaveLength(count);
    expect(remarks({ ...given, include_content_hash: false })).toEqual([]);
  });
});

describe('a retention policy', () => {
  const DAY = 86_400_000;
  test.each([
    ['30_days', 30],
    ['1_day', 1],
    ['6_months', 186],
    ['1_month', 31],
    ['7_years', 7 * 366],
    ['1_year', 366],
    ['P7Y', 7 * 366],
    ['P6M', 186],
    ['P2W', 14],
    ['P1Y6M10D', 366 + 186 + 10],
    ['P1DT12H', 1.5],
    ['PT36H', 1.5],
    ['indefinite', Number.POSITIVE_INFINITY],
  ])('%s means %d days', (retention_policy, days) => {
    expect(retentionPeriod(retention_policy)).toBe(days * DAY);
    expect(remarks(options.parse({ directory: 'x', retention_policy }))).toEqual([]);
  });

  test.each(['7 years', '0_days', 'P', 'PT', 'P0D', 'P7Y ', 'gold', '7_years_or_so', 'legal hold §4', 'p7y'])(
    '%s is a label that deletes nothing, and says so',
    async (retention_policy) => {
      expect(retentionPeriod(retention_policy)).toBeUndefined();
      const given = options.parse({ directory: 'x', retention_policy });
      expect(remarks(given)).toEqual([expect.stringContaining('is a label that deletes nothing')]);
      const { trace, shutdown, records, verify } = await compliance({ retention_policy });
      await trace(UUID, 'link_complete', linkContext());
      await shutdown();
      expect(records()).toEqual([expect.objectContaining({ retention_policy })]);
      expect(verify().verdict).toBe('intact');
    },
  );
});

describe('options', () => {
  test.each([
    { hash_algorithm: 'shake_128' },
    { hash_algorithm: 'SHA256' },
    { retention_policy: '' },
    { retention_policy: 'x'.repeat(65) },
    { retention_policy: '\ud800' },
    { content_binding: 'none' },
    { checkpoint: { every: 0 } },
    { checkpoint: { interval: '1 minute' } },
    { origin: 'with space' },
    { directory: '' },
  ])('%j is refused', async (options) => {
    const definition = builtInTracers.get('tracers.compliance');
    expect(definition?.audit).toBe(true);
    expect(definition?.options?.safeParse({ directory: '/tmp/x', ...options }).success).toBe(false);
  });

  test('a key file that is missing, or holds no key, stops the start and is not quoted', async () => {
    const folder = temporaryFolder();
    const key_file = join(folder, 'key.pem');
    const start = () => started('tracers.compliance', { directory: join(folder, 'ledger'), key_file });
    await expect(start()).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
    writeFileSync(key_file, 'hunter2');
    await expect(start()).rejects.toMatchObject({
      code: 'KEY_INVALID',
      message: expect.not.stringContaining('hunter2'),
    });
  });

  test('two tracers cannot have one directory', async () => {
    const { make, shutdown } = await compliance();
    await expect(make()).rejects.toMatchObject({ code: 'LEDGER_IN_USE', path: 'tracers.mine.options' });
    await shutdown();
    await (await make()).shutdown();
  });
});
