import { join } from 'node:path';
import { Writable } from 'node:stream';
import { CommanderError } from 'commander';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { timelineCommand } from '../../src/cli/timeline.ts';
import { withJournal } from '../../src/cli/with-journal.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openFileAdmin } from '../../src/journal/open-admin.ts';
import { reader } from '../journal/reader.ts';
import { PATIENCE } from '../support/eventually.ts';
import { journalFolder, OTHER_VCON, openJournal, runEvents, VCON } from './kept-runs.ts';

class Sink extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

let path: string;
let journal: Journal;

/**
 * A service with a run that is over and one that is not. `audit` has heard all of it; `jlinc` has given up one event,
 * tries at another, and waits with the rest.
 */
beforeEach(async () => {
  path = join(journalFolder(), 'journal.db');
  journal = await openJournal(path);
  const [audit, jlinc] = [reader(journal, 'audit'), reader(journal, 'jlinc')];
  const at = Date.now();
  await journal.append([
    ...runEvents({ id: 'a', at }),
    ...runEvents({ id: 'b', at: at + 200, vcon: OTHER_VCON, upTo: 2 }),
  ]);
  const attempt = { attempts: 1, since: at, duration: 0.25, errorType: undefined };
  for (const event of await audit.read(6)) audit.consumer.settle(event, 'ok', attempt);
  const [one, two] = await jlinc.read(2);
  if (!one || !two) throw new Error('too few events');
  jlinc.consumer.settle(one, 'dead', { ...attempt, attempts: 3, errorType: 'HTTP_400' });
  jlinc.consumer.retry(two, { ...attempt, attempts: 2, errorType: 'ECONNREFUSED' });
  const admin = await openFileAdmin(path);
  await vi.waitUntil(
    async () => (await admin.stats('audit')).ok === 6 && (await admin.stats('jlinc')).retrying === 1,
    PATIENCE,
  );
  await admin.close();
});

async function run(...args: readonly string[]) {
  const [stdout, stderr] = [new Sink(), new Sink()];
  const command = timelineCommand({
    stdout,
    stderr,
    colour: false,
    columns: undefined,
    tracePage: () => undefined,
    withJournal,
  });
  command.exitOverride().configureOutput({ writeErr: (text) => stderr.write(text) });
  const error = await command.parseAsync(args, { from: 'user' }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { stdout: stdout.text, stderr: stderr.text, error };
}

async function drawn(): Promise<string> {
  return (await run('--journal', path)).stdout
    .replaceAll(/median \S+ \S+, max \S+ \S+/g, 'median …, max …')
    .replaceAll(/ *█[█▏▎▍▌▋▊▉ ]*| *▏ */g, ' ▉ ');
}

describe('timeline --journal', () => {
  it('draws a run that is over and one that is not, each with what every tracer has heard', async () => {
    expect(await drawn()).toBe(`✓ main  ${VCON}  complete  100 ms
  trace a000000000000000a000000000000000
  ✓ link.tag ▉ 30 ms
  tracers
  ✓ audit  4 of 4 delivered  median …, max …
  ✗ jlinc  0 of 4 delivered, 3 more attempts
      3 waiting, from link_start tag on; ECONNREFUSED after 2 attempts
      dead: chain_start, HTTP_400 after 3 attempts

? main  ${OTHER_VCON}  not over yet  ~10 ms
  trace b000000000000000b000000000000000
  ? link.tag ▉ ~0 µs
  tracers
  ✓ audit  2 of 2 delivered  median …, max …
  … jlinc  0 of 2 delivered
      2 waiting, from chain_start on
`);
  });

  it('draws the same when the service has ended', async () => {
    const before = await drawn();
    await journal.close();
    expect(await drawn()).toBe(before);
  });

  it('draws the runs with --format svg, and not what tracers have heard', async () => {
    const { stdout } = await run('--journal', path, '--format', 'svg');
    expect(stdout).toMatch(/^<svg .* aria-label="Timeline of 2 runs">/);
    for (const text of [VCON, OTHER_VCON, 'not over yet']) expect(stdout).toContain(`>${text}<`);
    expect(stdout).not.toContain('jlinc');
  });

  it('prints each delivery with --format json', async () => {
    const { stdout } = await run('--journal', path, '--format', 'json', '--vcon', VCON);
    const { runs } = JSON.parse(stdout);
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({ chain: 'main', vcon_uuid: VCON, outcome: 'complete', duration: 0.1 });
    expect(runs[0].deliveries).toHaveLength(8);
    expect(runs[0].deliveries[0]).toEqual({
      event_id: 'a000000000000000/chain/start',
      tracer: 'audit',
      outcome: 'ok',
      attempts: 1,
      latency: expect.any(Number),
      // Kept to a few percent.
      duration: expect.closeTo(0.25, 1),
      error_type: null,
    });
    const jlinc = runs[0].deliveries.slice(4);
    expect(jlinc.map((of: Record<string, unknown>) => [of.outcome, of.attempts, of.error_type])).toEqual([
      ['dead', 3, 'HTTP_400'],
      ['retry', 2, 'ECONNREFUSED'],
      ['waiting', 0, null],
      ['waiting', 0, null],
    ]);
    expect(jlinc[3]).toMatchObject({ latency: null, duration: null });
  });

  it('shows the most recent runs with --limit, and says that there are older ones', async () => {
    const { stdout, stderr } = await run('--journal', path, '--limit', '1', '--format', 'json');
    expect(JSON.parse(stdout).runs).toMatchObject([{ vcon_uuid: OTHER_VCON, outcome: null }]);
    expect(stderr).toBe('Older runs are not shown (--limit 1; 0 shows all)\n');
  });

  it('refuses in one clear sentence', async () => {
    expect((await run('--journal', path, '--vcon', 'ffff')).error).toMatchObject({
      code: 'FILE_UNUSABLE',
      message: `${path} has no run of that vCon`,
    });
    expect((await run('--journal', `${path}.none`)).error).toMatchObject({
      code: 'FILE_UNUSABLE',
      message: `there is no journal ${path}.none`,
    });
    for (const also of [['--last'], ['file.jsonl', '--last']])
      expect((await run(...also, '--journal', path)).error).toBeInstanceOf(CommanderError);
  });
});
