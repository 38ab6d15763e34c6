import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { PATIENCE } from '../support/eventually.ts';
import {
  type Ended,
  jsonLines,
  spansOfLines,
  startVconOtel,
  temporaryFolder,
  vconOtel,
} from './command-line.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ended: Ended;
const file = (name: string) => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryFolder();
  const demo = startVconOtel(['demo', '--count', '2000', '--out', folder.path]);
  const audit = file('audit.jsonl');
  await vi.waitUntil(() => existsSync(audit) && statSync(audit).size > 100_000, PATIENCE);
  demo.child.kill('SIGINT');
  ended = await demo.ended;
});
afterAll(() => folder.remove());

test('Ctrl-C ends the demo by itself, with a summary that says so and exit code 130', () => {
  expect(ended.code).toBe(130);
  expect(ended.stdout).toMatch(/\nInterrupted after \d+ vCons in [\d.]+ s\n/);
  expect(ended.stdout).not.toContain('Done:');
});

test('every run that has begun in the audit log has ended there', () => {
  const events = jsonLines(readFileSync(file('audit.jsonl'), 'utf8'));
  const runs = Map.groupBy(events, ({ metadata }) => (metadata as { run_id: string }).run_id);
  expect(runs.size).toBeGreaterThan(10);
  for (const calls of runs.values())
    expect(calls.filter(({ event }) => /^chain_(complete|error)$/.test(String(event)))).toHaveLength(1);
});

test('the trace file is whole and has all the spans of the summary', async () => {
  const spans = spansOfLines(readFileSync(file('traces.otlp.jsonl'), 'utf8'));
  expect(ended.stdout).toMatch(new RegExp(`^  spans +${spans.length} in `, 'm'));
  const { code, stdout } = await vconOtel(['timeline', file('traces.otlp.jsonl'), '--limit', '1']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^[✓⏹✗] /);
});
