import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRuns, renderSvg, type TimelineRun, type TimelineStep } from '../../src/timeline/index.ts';
import { NEW_VCON, VCON } from './recording.ts';

const ROOT = join(import.meta.dirname, '../..');

const STEP: TimelineStep = {
  stage: 'link',
  name: 'tag',
  index: 0,
  outcome: 'success',
  errorType: undefined,
  start: 0,
  duration: 0.05,
  depth: 0,
  vconUuid: VCON,
  outVconUuid: VCON,
};

const RUN: TimelineRun = {
  runId: 'b7ad6b7169203331',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  chain: 'intake',
  vconUuid: VCON,
  outVconUuid: VCON,
  outcome: 'complete',
  errorType: undefined,
  start: Date.UTC(2026, 0, 31),
  duration: 0.1,
  truncated: false,
  linkedFrom: [],
  steps: [STEP],
  inferred: [],
};

const drawn = (...runs: Partial<TimelineRun>[]) => renderSvg(runs.map((run) => ({ ...RUN, ...run })));

/** Every tag is closed in its order, and what stands between holds no sign of XML. */
function checkXml(svg: string): void {
  const open: string[] = [];
  const rest = svg
    .replace(/<style>[^<]*<\/style>/, '')
    .replace(
      /<(\/?)([a-z]+)((?:\s[\w:-]+="[^"<]*")*)(\/?)>/gi,
      (_, closing: string, name: string, _attributes: string, empty: string) => {
        if (closing) expect(open.pop()).toBe(name);
        else if (!empty) open.push(name);
        return '';
      },
    );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]|&(?!#\d+;)/);
}

/** Where the bars of a class lie: from, to. */
function barsOf(svg: string, look: string): [number, number][] {
  const bars = svg.matchAll(/<rect class="([^"]+)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g);
  return [...bars]
    .filter(([, found]) => found === look)
    .map(([, , x, width]) => [Number(x), Number(x) + Number(width)]);
}

test('the picture in the README is what the program draws of a run that was recorded', async () => {
  const { runs } = await readRuns(join(ROOT, 'examples/timeline.otlp.jsonl'), {
    limit: 20,
    lastProcess: false,
  });
  expect(renderSvg(runs)).toBe(readFileSync(join(ROOT, 'docs/timeline.svg'), 'utf8'));
  expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain('](docs/timeline.svg)');
});

describe('a drawing', () => {
  test('has bars where the steps are on the run’s scale', () => {
    const svg = drawn({ steps: [STEP, { ...STEP, stage: 'storage', name: 's3', start: 0.05 }] });
    const [[from, to]] = barsOf(svg, 'run success') as [[number, number]];
    const middle = (from + to) / 2;
    expect(barsOf(svg, 'bar link success')).toEqual([[from, middle]]);
    expect(barsOf(svg, 'bar storage success')).toEqual([[middle, to]]);
  });

  test('shows failures, halts and new vCons', () => {
    const svg = drawn({
      outcome: 'error',
      errorType: 'TIMEOUT',
      steps: [
        { ...STEP, outVconUuid: NEW_VCON },
        { ...STEP, name: 'filter', outcome: 'halt' },
        { ...STEP, name: 'analyze', outcome: 'error', errorType: 'TIMEOUT' },
      ],
    });
    expect(svg).toContain('✗ intake');
    expect(svg).toContain('→ new vCon');
    expect(barsOf(svg, 'bar link halt')).toHaveLength(1);
    expect(barsOf(svg, 'bar link error')).toHaveLength(1);
    expect(svg).toContain('>TIMEOUT<');
  });

  test('ties runs that queued one another, on one scale', () => {
    const next = { runId: '00f067aa0ba902b7', chain: 'archive', start: RUN.start + 100 };
    const svg = drawn(
      {},
      { ...next, linkedFrom: [{ runId: RUN.runId, traceId: RUN.traceId, chain: 'intake' }] },
    );
    const [first, second] = barsOf(svg, 'run success');
    expect(first?.[1]).toBeCloseTo(second?.[0] ?? 0, 1);
    expect(svg.match(/<path class="link"/g)).toHaveLength(1);
    expect(svg.match(/class="card"/g)).toHaveLength(1);
  });

  test('keeps runs that have nothing to do with each other apart', () => {
    const svg = drawn({}, { runId: '00f067aa0ba902b7' });
    expect(svg.match(/class="card"/g)).toHaveLength(2);
    expect(svg).not.toContain('<path class="link"');
  });

  test('of nothing, of a moment, and of a run that is not over is a picture all the same', () => {
    for (const svg of [renderSvg([]), drawn({ duration: 0, steps: [{ ...STEP, duration: 0 }] })]) {
      checkXml(svg);
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
    expect(drawn({ open: true, outcome: undefined })).toContain('not over yet');
  });

  test('is XML whatever names are in it, and lets no name be more than text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (chain, name) => {
        checkXml(drawn({ chain: `<script>${chain}`, steps: [{ ...STEP, name: `"&'>${name}` }] }));
      }),
    );
    expect(drawn({ chain: '</text><script>alert(1)</script>' })).not.toContain('<script');
  });

  test('loads nothing from anywhere', () => {
    expect(drawn({})).not.toMatch(/href|url\((?!#)|https?:\/\/(?!www\.w3\.org\/2000\/svg")/);
  });
});
