import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VconStore } from '../../src/model/vcon.ts';
import { memoryVconStore } from '../../src/vcon-store/memory.ts';
import { eventContext, linkContext, started } from './started.ts';

const MODULE = 'tracers.audit_log';
const UUID = '018f0000-0000-8000-8000-000000000001';
const linux = process.platform === 'linux';

let directory: string;
let log_file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-audit-'));
  log_file = join(directory, 'audit.jsonl');
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function lines(): Promise<Record<string, unknown>[]> {
  const text = await readFile(log_file, 'utf8');
  expect(text).toMatch(/^$|\n$/);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** Every read is answered by `answer`. */
const storeOf = (answer: (uuid: string) => Promise<string | undefined>): VconStore => ({
  ...memoryVconStore(),
  read: answer,
});

describe('what is written', () => {
  test('a trace call is one line, its time that of the event', async () => {
    const { trace, shutdown } = await started(MODULE, { log_file });
    await trace(UUID, 'link_complete', linkContext());
    expect(await lines()).toEqual([
      {
        timestamp: '2026-03-01T12:00:00.250Z',
        vcon_uuid: UUID,
        event: 'link_complete',
        metadata: {
          chain: 'main',
          link: 'analyze',
          link_index: 1,
          outcome: 'success',
          run_id: '00f067aa0ba902b7',
          event_id: '00f067aa0ba902b7/link/1/complete',
          trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
          span_id: '53995c3f42cd8ad8',
        },
      },
    ]);
    await shutdown();
  });

  test('what an event has no word for is left out', async () => {
    const { trace, shutdown } = await started(MODULE, { log_file });
    await trace(UUID, 'chain_start', eventContext());
    await trace(UUID, 'storage_start', eventContext({ storage: 'postgres' }));
    await shutdown();
    const [chain, storage] = await lines();
    const common = ['chain', 'run_id', 'event_id', 'trace_id', 'span_id'];
    expect(Object.keys(chain ?? {})).toEqual(['timestamp', 'vcon_uuid', 'event', 'metadata']);
    expect(Object.keys(chain?.metadata ?? {})).toEqual(common);
    expect(Object.keys(storage?.metadata ?? {}).sort()).toEqual([...common, 'storage'].sort());
  });

  test('a run call is one line', async () => {
    const { run, shutdown } = await started(MODULE, { log_file, record: 'run' });
    await run(UUID, 'next', 1, linkContext());
    await shutdown();
    expect(await lines()).toEqual([
      {
        timestamp: '2026-03-01T12:00:00.250Z',
        call: 'run',
        in_vcon_uuid: UUID,
        out_vcon_uuid: 'next',
        tracer_name: 'mine',
        links: ['transcribe', 'analyze'],
        link_index: 1,
        metadata: expect.objectContaining({ link: 'analyze', event_id: '00f067aa0ba902b7/link/1/complete' }),
      },
    ]);
  });

  test.each([
    ['trace', ['trace']],
    ['run', ['run']],
    ['both', ['trace', 'run']],
  ])('record: %s takes the calls %j', async (record, expected) => {
    const { tracer, shutdown } = await started(MODULE, { log_file, record });
    expect(['trace', 'run'].filter((call) => call in tracer)).toEqual(expected);
    await shutdown();
  });

  test('without a word about it, only trace calls are recorded and no vCon is read', async () => {
    const reads: string[] = [];
    const vcons = storeOf(async (uuid) => {
      reads.push(uuid);
      return '{}';
    });
    const { tracer, trace, shutdown } = await started(MODULE, { log_file }, vcons);
    await trace(UUID, 'chain_start', eventContext());
    await shutdown();
    expect('run' in tracer).toBe(false);
    expect(reads).toEqual([]);
  });
});

describe('include_vcon_data', () => {
  const summaryOf = async (vcons: VconStore) => {
    const { trace, shutdown } = await started(MODULE, { log_file, include_vcon_data: true }, vcons);
    await trace(UUID, 'chain_start', eventContext());
    await shutdown();
    return (await lines())[0]?.vcon_summary;
  };

  test('counts parties and dialogs', async () => {
    const text = JSON.stringify({ uuid: UUID, parties: [{}, {}, {}], dialog: [{}] });
    expect(await summaryOf(storeOf(async () => text))).toEqual({ parties: 3, dialog_count: 1 });
  });

  test('counts none where a vCon has none', async () => {
    expect(await summaryOf(storeOf(async () => '{"parties":null}'))).toEqual({ parties: 0, dialog_count: 0 });
  });

  test.each([
    ['gone', async () => undefined],
    ['not JSON', async () => '{"parties": ['],
    ['of another shape', async () => '{"parties": 7}'],
    ['signed', async () => '{"payload": "e30", "signatures": []}'],
    ['encrypted', async () => '{"ciphertext": "x", "recipients": []}'],
    ['out of reach', () => Promise.reject(new Error('store down'))],
    [
      'in a store that throws',
      () => {
        throw new Error('store broken');
      },
    ],
  ])('is null where the vCon is %s, and the call succeeds', async (_what, answer) => {
    expect(await summaryOf(storeOf(answer))).toBeNull();
  });
});

describe('order and wholeness', () => {
  test('1,000 parallel lines of different sizes stay whole and in order', async () => {
    const { trace, run, shutdown } = await started(MODULE, { log_file, record: 'both' });
    const ids = Array.from({ length: 1_000 }, (_, i) => `${i}-${'x'.repeat((i * 7919) % 4_096)}`);
    await Promise.all(
      ids.map((eventId, i) =>
        i % 2
          ? run(UUID, UUID, -1, eventContext({ eventId }))
          : trace(UUID, 'chain_start', eventContext({ eventId })),
      ),
    );
    expect((await lines()).map(eventIdOf)).toEqual(ids);
    await shutdown();
  });

  test('lines keep the order of the calls, however the store answers', async () => {
    const answers: (() => void)[] = [];
    const vcons = storeOf(() => new Promise((resolve) => answers.push(() => resolve('{}'))));
    const { trace, shutdown } = await started(MODULE, { log_file, include_vcon_data: true }, vcons);
    const ids = Array.from({ length: 20 }, (_, i) => `event-${i}`);
    const written = Promise.all(ids.map((eventId) => trace(UUID, 'chain_start', eventContext({ eventId }))));
    for (const answer of answers.reverse()) answer();
    await written;
    await shutdown();
    expect((await lines()).map(eventIdOf)).toEqual(ids);
  });

  test('what was called before shutdown is in the file when it resolves', async () => {
    const { trace, shutdown } = await started(
      MODULE,
      { log_file, include_vcon_data: true },
      storeOf(async () => '{}'),
    );
    const written = Promise.all(
      [1, 2, 3].map((i) => trace(UUID, 'chain_start', eventContext({ eventId: String(i) }))),
    );
    await shutdown();
    expect((await lines()).map(eventIdOf)).toEqual(['1', '2', '3']);
    await written;
  });

  test('a call after shutdown is refused, a flush and a second shutdown are not', async () => {
    const { trace, forceFlush, shutdown } = await started(MODULE, { log_file });
    await shutdown();
    await forceFlush();
    await shutdown();
    await expect(trace(UUID, 'chain_start', eventContext())).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
    expect(await lines()).toEqual([]);
  });

  test('forceFlush resolves when what was called before it is in the file', async () => {
    const { trace, forceFlush, shutdown } = await started(MODULE, { log_file });
    const written = trace(UUID, 'chain_start', eventContext());
    await forceFlush();
    expect(await lines()).toHaveLength(1);
    await written;
    await shutdown();
  });

  test('calls that wait have a bound, beyond which they are refused', async () => {
    let open = () => {};
    const gate = new Promise<string>((resolve) => {
      open = () => resolve('{}');
    });
    const { trace, shutdown } = await started(
      MODULE,
      { log_file, include_vcon_data: true },
      storeOf(() => gate),
    );
    const accepted = Array.from({ length: 10_000 }, () => trace(UUID, 'chain_start', eventContext()));
    await expect(trace(UUID, 'chain_start', eventContext())).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
    open();
    await Promise.all(accepted);
    await trace(UUID, 'chain_start', eventContext());
    await shutdown();
    expect(await lines()).toHaveLength(10_001);
  });
});

describe('the file', () => {
  test('is made with its directories, for its owner only', async () => {
    log_file = join(directory, 'logs', 'deep', 'audit.jsonl');
    const { shutdown } = await started(MODULE, { log_file });
    expect((await stat(log_file)).mode & 0o777).toBe(0o600);
    await shutdown();
  });

  test('is appended to', async () => {
    await writeFile(log_file, '{"event":"old"}\n');
    const { trace, shutdown } = await started(MODULE, { log_file });
    await trace(UUID, 'chain_start', eventContext());
    await shutdown();
    expect((await lines()).map(({ event }) => event)).toEqual(['old', 'chain_start']);
  });

  test('half a line that a killed process left is not continued', async () => {
    await writeFile(log_file, '{"event":"old"}\n{"even');
    const { trace, shutdown } = await started(MODULE, { log_file });
    await trace(UUID, 'chain_start', eventContext());
    await shutdown();
    const [old, half, next] = (await readFile(log_file, 'utf8')).split('\n');
    expect([old, half]).toEqual(['{"event":"old"}', '{"even']);
    expect(JSON.parse(next ?? '')).toMatchObject({ event: 'chain_start' });
  });

  test('may be cut by logrotate (copytruncate) while it is written', async () => {
    const { trace, shutdown } = await started(MODULE, { log_file });
    await trace(UUID, 'chain_start', eventContext());
    await truncate(log_file);
    await trace(UUID, 'chain_complete', eventContext());
    await shutdown();
    expect((await lines()).map(({ event }) => event)).toEqual(['chain_complete']);
  });

  test.each([
    ['a directory', async () => directory],
    [
      'below a file',
      async () => {
        await appendFile(join(directory, 'file'), '');
        return join(directory, 'file', 'audit.jsonl');
      },
    ],
    ['a device that is none', async () => '/dev/null/audit.jsonl'],
  ])('that is %s fails the start, with the key and not the path', async (_what, unusable) => {
    const path = await unusable();
    const start = started(MODULE, { log_file: path });
    await expect(start).rejects.toMatchObject({
      code: 'FILE_UNUSABLE',
      path: 'tracers.mine.options.log_file',
      cause: expect.any(Error),
      message: expect.not.stringContaining(path),
    });
  });

  test.each([
    ['an option that does not exist', { logfile: 'x' }, 'tracers.mine.options.logfile', 'unknown '],
    ['a record that does not exist', { record: 'all' }, 'tracers.mine.options.record', 'record'],
    [
      'a flag that is none',
      { include_vcon_data: 'yes' },
      'tracers.mine.options.include_vcon_data',
      'boolean',
    ],
    ['an empty path', { log_file: '' }, 'tracers.mine.options.log_file', 'log_file'],
  ])('%s is refused with its path', async (_what, wrong, path, words) => {
    const start = started(MODULE, { log_file, ...wrong });
    await expect(start).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      path,
      message: expect.stringContaining(words),
    });
  });
});

describe('a disk that is full', () => {
  test.skipIf(!linux)('rejects every call, and shutdown resolves', async () => {
    const { trace, run, forceFlush, shutdown } = await started(MODULE, {
      log_file: '/dev/full',
      record: 'both',
    });
    const calls = [
      ...Array.from({ length: 50 }, () => trace(UUID, 'chain_start', eventContext())),
      ...Array.from({ length: 50 }, () => run(UUID, UUID, -1, eventContext())),
    ];
    for (const result of await Promise.allSettled(calls))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ENOSPC' } });
    await expect(trace(UUID, 'chain_start', eventContext())).rejects.toMatchObject({ code: 'ENOSPC' });
    await forceFlush();
    await shutdown();
  });

  test.skipIf(!linux)(
    'refuses what did not fit; the line that was begun is finished before the next',
    async () => {
      const line = 330;
      const { stdout } = await promisify(execFile)('prlimit', [
        `--fsize=${2 * line}:unlimited`,
        process.execPath,
        join(import.meta.dirname, 'full-disk.ts'),
        log_file,
      ]);
      const outcomes: [string, string][] = JSON.parse(stdout);
      const written = outcomes.filter(([, outcome]) => outcome === 'written').map(([id]) => id);
      expect(outcomes.filter(([, outcome]) => outcome !== 'written').map(([, code]) => code)).toEqual(
        Array.from({ length: outcomes.length - written.length }, () => 'EFBIG'),
      );
      expect(written).toEqual(['a', 'b', 'g']);
      expect((await lines()).map(eventIdOf)).toEqual(['a', 'b', 'c', 'g', 'h']);
    },
  );
});

test('nothing of a document, an option or a context beyond the format reaches the file', async () => {
  const canary = 'canary-7f3a';
  await mkdir(join(directory, canary));
  log_file = join(directory, canary, 'audit.jsonl');
  const document = {
    uuid: UUID,
    subject: canary,
    parties: [{ name: canary, tel: '+15550100', mailto: `${canary}@example.com` }],
    dialog: [{ type: 'text', body: canary, filename: canary, url: `https://example.com/${canary}` }],
    analysis: [{ body: canary }],
    [canary]: canary,
  };
  const vcons = storeOf(async () => JSON.stringify(document));
  const { trace, run, shutdown } = await started(
    MODULE,
    { log_file, record: 'both', include_vcon_data: true },
    vcons,
  );
  const context = linkContext({ errorType: 'ValueError', inferred: ['outcome'], vconSha256: canary });
  await trace(UUID, 'link_error', context);
  await run(UUID, UUID, 1, context);
  await shutdown();
  const text = await readFile(log_file, 'utf8');
  expect(text).toContain(UUID);
  // What was concluded, and why a step failed, is part of the format.
  expect(text).toContain('"error_type":"ValueError","inferred":["outcome"]');
  expect(text).not.toContain(canary);
  expect(text).not.toContain('+1555');
});

function eventIdOf(line: Record<string, unknown>): unknown {
  return (line.metadata as { event_id: string }).event_id;
}
