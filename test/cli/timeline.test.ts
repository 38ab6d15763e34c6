import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { CommanderError } from 'commander';
import { describe, expect, it, onTestFinished } from 'vitest';
import { drawRuns, readRuns } from '../../src/cli/timeline/index.ts';
import { timelineCommand } from '../../src/cli/timeline.ts';
import { withJournal } from '../../src/cli/with-journal.ts';
import type { TracePage } from '../../src/config/trace-page.ts';
import { VconOtelError } from '../../src/model/error.ts';
import { journalFolder, openJournal } from './kept-runs.ts';
import { NEW_VCON, record, recordRun, temporaryFolder, traceFile, VCON } from './timeline/recording.ts';

class Sink extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly error: unknown;
}

function run(...args: readonly string[]): Promise<Ran> {
  return runLeading(undefined, ...args);
}

async function runLeading(tracePage: TracePage | undefined, ...args: readonly string[]): Promise<Ran> {
  const [stdout, stderr] = [new Sink(), new Sink()];
  const command = timelineCommand({
    stdout,
    stderr,
    colour: false,
    columns: undefined,
    tracePage: () => tracePage,
    withJournal,
  });
  command.exitOverride().configureOutput({ writeErr: (text) => stderr.write(text) });
  const error = await command.parseAsync(args, { from: 'user' }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { stdout: stdout.text, stderr: stderr.text, error };
}

it('a journal is no file of spans, and what to do is said', async () => {
  const file = join(journalFolder(), 'journal.db');
  const journal = await openJournal(file);
  await journal.close();
  const { error } = await run(file);
  expect(error).toMatchObject({
    code: 'FILE_UNUSABLE',
    message: `${file} is a journal, not a file of spans: timeline --journal ${file}`,
  });
});

async function twoRuns(): Promise<string> {
  const { tracer, line } = record();
  recordRun(tracer, { chain: 'intake', duration: 100, links: [{ name: 'tag', from: 1, to: 40 }] });
  recordRun(tracer, { chain: 'archive', vcon: NEW_VCON, at: 500, duration: 20, outcome: 'halted' });
  return traceFile(line());
}

describe('what it prints', () => {
  it('the runs of a file, a blank line between them', async () => {
    const { stdout, stderr, error } = await run(await twoRuns());
    expect(error).toBeUndefined();
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^✓ intake .*\n {2}trace \w{32}\n {2}✓ link\.tag +█+ +39 ms\n\n⏹ archive .*\n {2}trace \w{32}\n$/,
    );
  });

  it('headlines that lead to the pages of their traces where there are some, as text only', async () => {
    const path = await twoRuns();
    const page = (traceId: string) => `https://example.com/${traceId}`;
    const { stdout } = await runLeading(page, path);
    expect(stripVTControlCharacters(stdout)).toBe((await run(path)).stdout);
    for (const { traceId, chain } of (await readRuns(path, { limit: 0 })).runs)
      expect(stdout).toMatch(new RegExp(`;${page(traceId)}\\P{L}+${chain}`, 'u'));
    for (const format of ['json', 'svg'])
      expect((await runLeading(page, path, '--format', format)).stdout).not.toContain('example.com');
  });

  it('the same for the folder that holds the file', async () => {
    const path = await twoRuns();
    expect((await run(dirname(path))).stdout).toBe((await run(path)).stdout);
  });

  it('only the runs of one vCon with --vcon, only the latest with --limit', async () => {
    const path = await twoRuns();
    expect((await run(path, '--vcon', VCON.slice(0, 9))).stdout).not.toContain('archive');
    const limited = await run(path, '--limit', '1');
    expect(limited.stdout).not.toContain('intake');
    expect(limited.stderr).toBe('Older runs are not shown (--limit 1; 0 shows all)\n');
  });

  it('one JSON document and nothing else with --format json', async () => {
    const path = await twoRuns();
    const { stdout } = await run(path, '--format', 'json');
    const { runs } = JSON.parse(stdout);
    expect(runs).toEqual([
      {
        run_id: expect.stringMatching(/^[0-9a-f]{16}$/),
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        chain: 'intake',
        vcon_uuid: VCON,
        out_vcon_uuid: VCON,
        outcome: 'complete',
        error_type: null,
        start: '2026-01-31T12:00:00.000Z',
        duration: 0.1,
        truncated: false,
        linked_from: [],
        late: 0,
        sender: null,
        inferred: [],
        steps: [
          {
            stage: 'link',
            name: 'tag',
            index: 0,
            outcome: 'success',
            error_type: null,
            start: 0.001,
            duration: 0.039,
            depth: 0,
            vcon_uuid: VCON,
            out_vcon_uuid: VCON,
          },
        ],
      },
      expect.objectContaining({ chain: 'archive', outcome: 'halted' }),
    ]);
  });

  it('one SVG document and nothing else with --format svg, of the same runs', async () => {
    const path = await twoRuns();
    const { stdout } = await run(path, '--format', 'svg');
    expect(stdout).toBe(drawRuns((await readRuns(path, { limit: 0 })).runs));
    const limited = await run(path, '--format', 'svg', '--limit', '1');
    expect(limited.stdout).toMatch(
      /^<svg .* aria-label="Timeline of 1 run">[\s\S]*>archive<[\s\S]*<\/svg>\n$/,
    );
    expect(limited.stdout).not.toContain('intake');
    expect(limited.stderr).toBe('Older runs are not shown (--limit 1; 0 shows all)\n');
  });

  it('an SVG document as wide as --width says', async () => {
    const path = await twoRuns();
    const { stdout } = await run(path, '--format', 'svg', '--width', '360');
    expect(stdout).toBe(drawRuns((await readRuns(path, { limit: 0 })).runs, 360));
  });

  it('a remark on what could not be read, apart from the runs', async () => {
    const { tracer, line } = record();
    recordRun(tracer, { duration: 10 });
    const { stdout, stderr } = await run(await traceFile(line(), 'not JSON'), '--format', 'json');
    expect(JSON.parse(stdout).runs).toHaveLength(1);
    expect(stderr).toBe('Unreadable lines and spans left out: 1\n');
  });

  it('no control character of a name, in any format', async () => {
    const { tracer, line } = record();
    const name = 'a\u001b[2J\u009b31m\u202e\u2028\u{e0001}b';
    recordRun(tracer, { duration: 10, links: [{ name, from: 1, to: 2 }] });
    const path = await traceFile(line());
    const [text, json] = [await run(path), await run(path, '--format', 'json')];
    const svg = await run(path, '--format', 'svg');
    for (const { stdout } of [text, json, svg])
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
    expect(JSON.parse(json.stdout).runs[0].steps[0].name).toBe(name);
  });

  it('the last demo run of this folder with --last', async () => {
    const folder = await temporaryFolder();
    const [earlier, last] = [record('process-1'), record('process-2')];
    recordRun(earlier.tracer, { chain: 'earlier', duration: 10 });
    recordRun(last.tracer, { chain: 'latest', at: 20, duration: 10 });
    const lines = [earlier.line(), last.line()];
    const { stdout } = await inFolder(folder, async () => {
      await mkdir('vcon-otel-demo');
      await writeFile(join('vcon-otel-demo', 'traces.otlp.jsonl'), `${lines.join('\n')}\n`);
      return run('--last');
    });
    expect(stdout).toMatch(/^✓ latest /);
    expect(stdout).not.toContain('earlier');
  });
});

describe('what it refuses', () => {
  it.each([[[]], [['somewhere.jsonl', '--last']]])('%j is a mistake in usage', async (args: string[]) => {
    const { error, stdout } = await run(...args);
    expect(error).toBeInstanceOf(CommanderError);
    expect(error).toMatchObject({ exitCode: 2 });
    expect(stdout).toBe('');
  });

  it.each([
    ['--limit', '-1'],
    ['--limit', 'many'],
    ['--format', 'xml'],
    ['--none'],
    ['--width', '319'],
    ['--width', '360'],
  ])('%s %s is one too', async (...args) => {
    expect((await run('somewhere.jsonl', ...args)).error).toBeInstanceOf(CommanderError);
  });

  it('a file that is missing, without runs, or without that vCon is an error of one clear sentence', async () => {
    const folder = await temporaryFolder();
    await expectUnusable(
      await run(join(folder, 'none.jsonl')),
      `There is no file ${join(folder, 'none.jsonl')}`,
    );
    await expectUnusable(await run(folder), `There is no file ${join(folder, 'traces.otlp.jsonl')}`);
    const empty = await traceFile('{}');
    await expectUnusable(await run(empty), `${empty} has no run of a chain`);
    const path = await twoRuns();
    await expectUnusable(await run(path, '--vcon', 'ffff'), `${path} has no run of that vCon`);
  });

  it('--last says what to do where there was no demo', async () => {
    const ran = await inFolder(await temporaryFolder(), () => run('--last'));
    await expectUnusable(ran, 'No spans of a demo in ./vcon-otel-demo: run vcon-otel demo first');
  });
});

describe('a reader that goes away', () => {
  it('ends it quietly', async () => {
    const path = await twoRuns();
    const failing = (code: string) =>
      new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error('write'), { code })) });
    const show = (stdout: Writable) =>
      timelineCommand({
        stdout,
        stderr: new Sink(),
        colour: false,
        columns: 80,
        tracePage: () => undefined,
        withJournal,
      }).parseAsync([path], {
        from: 'user',
      });
    await expect(show(failing('EPIPE'))).resolves.toBeDefined();
    await expect(show(failing('ENOSPC'))).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});

async function inFolder<T>(folder: string, action: () => Promise<T>): Promise<T> {
  const before = process.cwd();
  onTestFinished(() => process.chdir(before));
  process.chdir(folder);
  return action();
}

async function expectUnusable({ error, stdout }: Ran, message: string): Promise<void> {
  expect(error).toBeInstanceOf(VconOtelError);
  expect(error).toMatchObject({ code: 'FILE_UNUSABLE', message });
  expect(stdout).toBe('');
}
