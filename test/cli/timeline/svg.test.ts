import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawRuns } from '../../../src/cli/timeline/index.ts';
import {
  bars,
  cards,
  draw,
  drawAt,
  number,
  OTHER_VCON,
  RUN,
  START,
  STEP,
  stepBars,
  texts,
} from './drawing.ts';
import { NEW_VCON, VCON } from './recording.ts';
import { allOf, textIn, type XmlElement } from './strict-xml.ts';

describe('the document', () => {
  it('has a name and a description for who cannot see it', () => {
    const root = draw({ outcome: 'halted' });
    expect(root.attributes).toMatchObject({ role: 'img', 'aria-label': 'Timeline of 1 run' });
    expect(textIn(allOf(root, 'desc')[0] as XmlElement)).toBe(
      `intake: halted in 100 ms, vCon ${VCON}, trace ${RUN.traceId}`,
    );
  });

  it('is light or dark as the system of its reader, and as large as what is in it', () => {
    const root = draw({}, { runId: '2', vconUuid: OTHER_VCON, outVconUuid: OTHER_VCON });
    expect(textIn(allOf(root, 'style')[0] as XmlElement)).toContain('@media (prefers-color-scheme:dark){');
    const { width, height, viewBox } = root.attributes;
    expect(viewBox).toBe(`0 0 ${width} ${height}`);
    const heights = cards(root).map((card) => number(card, 'height') + 1);
    expect(Number(height)).toBe(heights.reduce((sum, each) => sum + each, 16));
  });

  it('loads nothing and runs nothing', () => {
    const document = drawRuns([{ ...RUN, steps: [STEP] }]).replace('xmlns="http://www.w3.org/2000/svg"', '');
    expect(document).not.toMatch(/https?:|href|url\(|@import|<script|<foreignObject|\son[a-z]+=/i);
  });

  it('is the same for the same runs', () => {
    const runs = [RUN, { ...RUN, runId: '2', start: START + 200, steps: [STEP] }];
    expect(drawRuns(runs)).toBe(drawRuns(runs.toReversed()));
  });

  it('of no run is empty', () => {
    const root = draw();
    expect(cards(root)).toEqual([]);
    expect(root.attributes['aria-label']).toBe('Timeline of 0 runs');
  });
});

/** Of a picture, and where its bars end. */
const WIDTHS = [
  [840, 748],
  [360, 328],
] as const;

describe('where there is little room, as on a phone', () => {
  const PHONE = 360;
  const steps = [
    { ...STEP, name: 'transcript_statistics_of_a_long_conversation' },
    { ...STEP, stage: 'storage' as const, name: 'archive', start: 0.04, duration: 0.06 },
  ];
  const root = drawAt(PHONE, { steps });

  it('the picture is as wide as asked for, and its letters as large as ever', () => {
    expect(root.attributes).toMatchObject({
      width: String(PHONE),
      viewBox: `0 0 360 ${root.attributes.height}`,
    });
    const style = (of: XmlElement) => textIn(allOf(of, 'style')[0] as XmlElement);
    expect(style(root)).toBe(style(draw({ steps })));
  });

  it('a bar is below its name, and above the next', () => {
    const names = allOf(root, 'text').filter((text) => /^(link|storage)\./.test(textIn(text)));
    const tops = stepBars(root).map((bar) => number(bar, 'y'));
    const [first, second] = names.map((name) => number(name, 'y'));
    expect([first, tops[0], second, tops[1]]).toEqual(
      [first, tops[0], second, tops[1]].toSorted((a, b) => Number(a) - Number(b)),
    );
    expect(Number(tops[0]) - Number(first)).toBeGreaterThan(3);
  });

  it('the vCon is there in full, and what its runs took is below it', () => {
    const [head, facts] = allOf(root, 'text');
    expect(textIn(head as XmlElement)).toBe(`vCon${VCON}`);
    expect(textIn(facts as XmlElement)).toContain('1 run · 100 ms');
    expect(number(facts, 'y')).toBeGreaterThan(number(head, 'y'));
  });
});

describe('nothing in a file can', () => {
  const EVIL = `</text><script>alert('1')</script>&amp;"x"]]><!--\u0000\u001b[2J\u202e\ufffe\ud800<`;

  it('become a part of the document', () => {
    const root = draw({
      chain: EVIL,
      vconUuid: EVIL,
      outVconUuid: `${EVIL}2`,
      outcome: 'error',
      errorType: EVIL,
      linkedFrom: [{ runId: EVIL, traceId: '1'.repeat(32), chain: EVIL }],
      steps: [
        { ...STEP, name: EVIL, errorType: EVIL },
        { ...STEP, outVconUuid: EVIL },
      ],
    });
    expect(allOf(root, 'script')).toEqual([]);
    expect(texts(root)).toContainEqual(
      expect.stringContaining(`</text><script>alert('1')</script>&amp;"x"]]><!--<`),
    );
  });

  it('push a text out of its place', () => {
    const root = draw({
      steps: ['x'.repeat(250), '转写录音'.repeat(60), 'مرحبا'].map((name) => ({ ...STEP, name })),
    });
    const [left] = stepBars(root).map((bar) => number(bar, 'x'));
    const names = allOf(root, 'text').filter((of) => textIn(of).startsWith('link.'));
    for (const name of names.slice(0, 2)) expect(textIn(name)).toMatch(/…$/);
    for (const name of names) expect(number(name, 'x') + textIn(name).length * 7).toBeLessThan(left ?? 0);
    // No monospaced font has it: what stands in for one is told how wide to be.
    expect(names.map(({ attributes }) => attributes.textLength)).toEqual([undefined, undefined, '72.6']);
  });

  it('break it: any run is a document, and every bar within its card', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.constantFrom(EVIL, VCON, NEW_VCON, ''),
    );
    const some = fc.option(name, { nil: undefined });
    const time = fc.double({ min: 0, max: 1e6, noNaN: true });
    const step = fc.record({
      stage: fc.constantFrom('link' as const, 'storage' as const, 'other' as const),
      name,
      outcome: fc.constantFrom('success' as const, 'halt' as const, 'error' as const, undefined),
      errorType: some,
      start: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      duration: time,
      depth: fc.nat({ max: 500 }),
      outVconUuid: some,
    });
    const run = fc.record({
      runId: fc.constantFrom('1', '2', '3', '4', '5'),
      chain: name,
      vconUuid: some,
      outVconUuid: some,
      outcome: fc.constantFrom('complete' as const, 'halted' as const, 'error' as const, undefined),
      errorType: some,
      start: time,
      duration: time,
      truncated: fc.boolean(),
      linkedFrom: fc.array(
        fc.record({ runId: fc.constantFrom('1', '2', '3', '6'), traceId: name, chain: some }),
        { maxLength: 4 },
      ),
      steps: fc.array(
        step.map((facts) => ({ ...STEP, ...facts })),
        { maxLength: 5 },
      ),
    });
    fc.assert(
      fc.property(fc.array(run, { maxLength: 5 }), fc.constantFrom(...WIDTHS), (runs, [width, end]) => {
        const root = drawAt(width, ...runs);
        for (const bar of bars(root)) {
          expect(number(bar, 'x')).toBeGreaterThan(40);
          expect(number(bar, 'x') + number(bar, 'width')).toBeLessThanOrEqual(end + 0.01);
        }
        for (const { attributes } of allOf(root, 'rect').concat(allOf(root, 'path'), allOf(root, 'text')))
          expect(JSON.stringify(attributes)).not.toMatch(/NaN|Infinity|undefined/);
      }),
    );
  });
});
