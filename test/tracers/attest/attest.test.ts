import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeyStore } from '../../../src/ledger/index.ts';
import { envelopeKey, opened } from '../../../src/tracers/attest/dsse.ts';
import { started } from '../started.ts';
import { AttestedRuns, scriptedRun, sha256, VCON } from './attested-runs.ts';

let folder: string;
let attested: AttestedRuns;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcon-otel-attest-'));
  attested = new AttestedRuns(folder);
});
afterEach(() => rm(folder, { recursive: true }));

describe('a run', () => {
  test('makes a signed statement of each step, and one of its end', async () => {
    await attested.hear(scriptedRun('00f067aa0ba902b7'));
    const lines = await attested.lines();
    const statements = await attested.statements();
    expect(statements.map(({ predicate }) => predicate.name)).toEqual([
      'transcribe',
      'redact',
      'analyze',
      'main',
    ]);
    for (const line of lines) expect(opened(line, [attested.signer]).state).toBe('signed');
    const [first, second] = statements;
    expect(first?.predicate.byproducts).toEqual({
      outcome: 'success',
      started: '2026-03-01T12:00:00.100Z',
      ended: '2026-03-01T12:00:01.000Z',
    });
    expect(first?.predicate.materials[1]?.annotations).toEqual({ taken: 'entering' });
    expect(second?.predicate.materials[1]?.annotations).toEqual({ taken: 'after_previous_step' });
    expect(second?.predicate.materials[1]?.digest).toEqual(first?.subject[1]?.digest);
    expect(second?.predicate.environment).toMatchObject({
      chain: 'main',
      index: 1,
      run_id: '00f067aa0ba902b7',
    });
  });

  test('is told by keyed hashes alone, which anybody who has the key can make', async () => {
    const run = scriptedRun('00f067aa0ba902b7');
    await attested.hear(run);
    const text = await readFile(await attested.file(), 'utf8');
    const plain = Buffer.concat(
      (await attested.lines()).map((line) => Buffer.from(JSON.parse(line).payload, 'base64')),
    ).toString();
    for (const secret of [VCON, ...run.map(({ vconSha256 = VCON }) => vconSha256)])
      expect([text, plain].some((said) => said.includes(secret))).toBe(false);
    const key = (await new KeyStore(attested.ledger).read(VCON)) ?? '';
    const made = (what: string) =>
      createHmac('sha256', key).update(`vcon-otel attestation ${what}`).digest('hex');
    const [first] = await attested.statements();
    expect(first?.subject).toEqual([
      { name: 'vcon', digest: { hmacSha256: made('vcon') } },
      { name: 'document', digest: { hmacSha256: made(`document ${sha256('00f067aa0ba902b7 after 0')}`) } },
    ]);
  });

  test('says nothing of a document that was not hashed at that moment, nor of what the next step was given', async () => {
    const run = scriptedRun('00f067aa0ba902b7');
    const [start, first, ...rest] = run;
    if (!start || !first) throw new RangeError('a run has steps');
    await attested.hear([{ ...start, vconSha256: undefined }, { ...first, vconSha256: undefined }, ...rest]);
    const [one, two, three] = await attested.statements();
    expect([one, two].map((said) => said?.predicate.materials.map(({ name }) => name))).toEqual([
      ['vcon'],
      ['vcon'],
    ]);
    expect(one?.subject.map(({ name }) => name)).toEqual(['vcon']);
    expect(three?.predicate.materials.map(({ name }) => name)).toEqual(['vcon', 'document']);
  });

  test('is kept once, however often and whenever its events are delivered', async () => {
    const run = scriptedRun('00f067aa0ba902b7');
    const { trace, shutdown } = await started('tracers.attest', attested.options);
    for (const event of run) {
      const name = `${event.stage}_${event.phase}` as 'link_complete';
      await Promise.all([trace(VCON, name, event), trace(VCON, name, event)]);
      await trace(VCON, name, event);
    }
    await shutdown();
    await attested.hear(run);
    expect(await attested.lines()).toHaveLength(4);
  });

  test('goes on after a restart with what the step before it has left', async () => {
    const run = scriptedRun('00f067aa0ba902b7');
    await attested.hear(run.slice(0, 2));
    await attested.hear(run.slice(2));
    const [one, two] = await attested.statements();
    expect(two?.predicate.materials[1]?.digest).toEqual(one?.subject[1]?.digest);
  });

  test('is told apart by outcomes: a halt and an error are no success', async () => {
    const run = scriptedRun('00f067aa0ba902b7').slice(0, 2);
    const [start, first] = run;
    if (!start || !first) throw new RangeError('a run has steps');
    await attested.hear([
      { ...first, outcome: 'halt' },
      { ...first, eventId: 'x/link/0/error', phase: 'error', outcome: 'error', errorType: 'ValueError' },
      { ...start, eventId: 'x/chain/lost', phase: 'lost', outcome: 'unknown', inferred: ['outcome'] },
    ]);
    expect((await attested.statements()).map(({ predicate }) => predicate.byproducts)).toMatchObject([
      { outcome: 'halt' },
      { outcome: 'error', error_type: 'ValueError' },
      { outcome: 'unknown', inferred: ['outcome'] },
    ]);
  });

  test('of a vCon whose key was destroyed still has an attestation, and says nothing of the vCon', async () => {
    const run = scriptedRun('00f067aa0ba902b7');
    new KeyStore(attested.ledger).destroy(VCON);
    await attested.hear(run);
    const statements = await attested.statements();
    expect(statements).toHaveLength(4);
    for (const { subject, predicate } of statements) {
      expect(predicate.materials).toEqual([]);
      expect(subject).toEqual([{ name: 'run', digest: { sha256: sha256('00f067aa0ba902b7') } }]);
    }
  });
});

describe('a chain that has the same link twice', () => {
  test('has steps of different names', async () => {
    await attested.hear(scriptedRun('00f067aa0ba902b7', {}, ['tag', 'tag']));
    expect((await attested.statements()).map(({ predicate }) => predicate.name)).toEqual([
      'tag',
      'tag#2',
      'main',
    ]);
  });
});

describe('the key', () => {
  test('is made once, and its public half stands beside the attestations', async () => {
    await attested.hear(scriptedRun('00f067aa0ba902b7'));
    const first = attested.signer.keyid;
    await attested.hear(scriptedRun('00f067aa0ba902b8'));
    expect(attested.signer.keyid).toBe(first);
    const pem = await readFile(join(attested.directory, 'verify-key.pem'), 'utf8');
    const { createPublicKey } = await import('node:crypto');
    expect(envelopeKey(createPublicKey(pem)).keyid).toBe(first);
  });

  test('that is none is refused at the start, without a word of it', async () => {
    const key_file = join(folder, 'key.pem');
    await writeFile(key_file, 'kanari');
    const start = started('tracers.attest', { ...attested.options, key_file });
    await expect(start).rejects.toMatchObject({
      code: 'KEY_INVALID',
      message: 'tracers.mine.options: the key file holds no Ed25519 key in PEM',
    });
    const missing = started('tracers.attest', { ...attested.options, key_file: join(folder, 'none.pem') });
    await expect(missing).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
  });
});
