import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawRuns, type TimelineRun, type TimelineStep } from '../../src/timeline/index.ts';
import { NEW_VCON, VCON } from './recording.ts';
import { allOf, parseXml, textIn, type XmlElement } from './strict-xml.ts';

const OTHER_VCON = '0198cccc-0000-8000-8000-000000000003';
const START = Date.UTC(2026, 0, 31, 12);

const RUN: TimelineRun = {
  runId: 'b7ad6b7169203331',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  chain: 'intake',
  vconUuid: VCON,
  outVconUuid: VCON,
  outcome: 'complete',
  errorType: undefined,
  start: START,
  duration: 0.1,
  truncated: false,
  linkedFrom: [],
  steps: [],
  inferred: [],
};

const STEP: TimelineStep = {
  stage: 'link',
  name: 'tag',
  index: 0,
  outcome: 'success',
  errorType: undefined,
  start: 0,
  duration: 0.1,
  depth: 0,
  vconUuid: VCON,
  outVconUuid: VCON,
};

const draw = (...runs: Partial<TimelineRun>[]) => parseXml(drawRuns(runs.map((run) => ({ ...RUN, ...run }))));
const drawSteps = (...steps: Partial<TimelineStep>[]) =>
  draw({ steps: steps.map((step) => ({ ...STEP, ...step })) });

const has = (style: string) => (of: XmlElement) => of.attributes.class?.split(' ').includes(style);
const number = (of: XmlElement | undefined, name: string) => Number(of?.attributes[name]);
const cards = (root: XmlElement) => allOf(root, 'rect').filter(has('card'));
const bars = (root: XmlElement) => allOf(root, 'rect').filter(has('bar'));
const stepBars = (root: XmlElement) => bars(root).filter((bar) => number(bar, 'height') > 5);
const texts = (root: XmlElement) => allOf(root, 'text').map(textIn);
/** Of what has a tooltip that begins like this: a run or a step. */
const group = (root: XmlElement, beginning: string): XmlElement => {
  const found = allOf(root, 'g').find(({ content: [first] }) => {
    return typeof first === 'object' && first.name === 'title' && textIn(first).startsWith(beginning);
  });
  if (!found) throw new Error(`nothing is called ${beginning}`);
  return found;
};
const tooltip = (root: XmlElement, beginning: string) =>
  textIn(allOf(group(root, beginning), 'title')[0] as XmlElement);

describe('a run', () => {
  it('has a card with the vCon, when it began, and chain, outcome, trace and duration', () => {
    expect(texts(draw({}))).toEqual([
      `vCon${VCON}`,
      '1 run · 100 ms · 2026-01-31 12:00:00 UTC',
      '0',
      '20 ms',
      '40 ms',
      '60 ms',
      '80 ms',
      '100 ms',
      'intakecompletetrace 0af76519…',
      '100 ms',
    ]);
  });

  it('has a row for each step: name and duration', () => {
    const root = drawSteps({ name: 'tag', duration: 0.025 }, { stage: 'storage', name: 's3', start: 0.025 });
    expect(texts(group(root, 'link.tag'))).toEqual(['link.tag', '25 ms']);
    expect(texts(group(root, 'storage.s3'))).toEqual(['storage.s3', '100 ms']);
    expect(tooltip(root, 'storage.s3')).toBe('storage.s3: success in 100 ms, 25 ms after its chain began');
  });

  it('has bars where they belong on its scale', () => {
    const root = drawSteps({ start: 0, duration: 0.025 }, { start: 0.025, duration: 0.05 });
    const [chain, first, second] = bars(root);
    const [left, width] = [number(chain, 'x'), number(chain, 'width')];
    const part = (bar: XmlElement | undefined) => [
      (number(bar, 'x') - left) / width,
      number(bar, 'width') / width,
    ];
    expect(part(first)).toEqual([0, expect.closeTo(0.25, 4)]);
    expect(part(second)).toEqual([expect.closeTo(0.25, 4), expect.closeTo(0.5, 4)]);
  });

  it('has bars that can be seen, and none beyond its column', () => {
    const root = drawSteps({ duration: 1e-6 }, { start: -1, duration: 0 }, { start: 5, duration: 5 });
    const [chain, ...steps] = bars(root);
    const right = number(chain, 'x') + number(chain, 'width');
    expect(steps.map((bar) => number(bar, 'width'))).toEqual([2, 2, 2]);
    expect(steps.map((bar) => number(bar, 'x'))).toEqual([number(chain, 'x'), number(chain, 'x'), right - 2]);
  });

  it('is told by colour: what is a link or a storage, what halted, failed or has not ended', () => {
    const root = drawSteps(
      {},
      { stage: 'storage' },
      { stage: 'other', depth: 1 },
      { outcome: 'halt' },
      { stage: 'storage', outcome: 'error', errorType: 'ECONNREFUSED' },
      { outcome: undefined },
    );
    expect(bars(root).map((bar) => bar.attributes.class)).toEqual([
      'bar chain',
      'bar link',
      'bar storage',
      'bar other',
      'bar halt',
      'bar error',
      'bar link unended',
    ]);
    const chainOf = (run: Partial<TimelineRun>) => bars(draw(run))[0]?.attributes.class;
    expect(chainOf({ outcome: 'halted' })).toBe('bar halt');
    expect(chainOf({ outcome: 'error' })).toBe('bar error');
    expect(chainOf({ outcome: undefined, truncated: true, open: true })).toBe('bar chain unended');
  });

  it('says what went wrong beside the bar, or on it where there is no room', () => {
    const failed = { outcome: 'error', errorType: 'ECONNREFUSED' } as const;
    const root = drawSteps(
      { ...failed, name: 'first', duration: 0.01 },
      { ...failed, name: 'last', start: 0.09, duration: 0.01 },
      { ...failed, name: 'long' },
    );
    const note = (name: string) => {
      const [of] = allOf(group(root, `link.${name}`), 'text').filter(
        (each) => textIn(each) === 'ECONNREFUSED',
      );
      return of?.attributes.class;
    };
    expect(note('first')).toBe('id small error');
    expect(note('last')).toBe('id small before error');
    expect(note('long')).toBe('id small on');
  });

  it('that failed, lacks its chain span or is not over yet says so', () => {
    const failed = draw({ outcome: 'error', errorType: 'RangeError' });
    expect(texts(failed)).toContain('intakeerror RangeErrortrace 0af76519…');
    const truncated = draw({ outcome: undefined, truncated: true, inferred: ['duration'] });
    expect(texts(truncated)).toContain('intakewithout its chain spantrace 0af76519…');
    expect(texts(truncated)).toContain('~100 ms');
    const open = draw({ outcome: undefined, truncated: true, open: true });
    expect(texts(open)).toContain('intakenot over yettrace 0af76519…');
  });

  it('that goes on under a new uuid shows it, whole at its head and short at the link', () => {
    const root = draw({ outVconUuid: NEW_VCON, steps: [{ ...STEP, outVconUuid: NEW_VCON }] });
    expect(texts(root)).toContain(`intakecomplete→ ${NEW_VCON}trace 0af76519…`);
    expect(texts(group(root, 'link.tag'))).toContain(`→ ${NEW_VCON.slice(0, 8)}…`);
    expect(tooltip(root, 'link.tag')).toContain(`${VCON} → ${NEW_VCON}`);
  });

  it('of unknown uuid, without steps or duration is drawn', () => {
    const root = draw({ vconUuid: undefined, outVconUuid: undefined, duration: 0 });
    expect(texts(root)[0]).toBe('vConunknown');
    expect(bars(root)).toHaveLength(1);
  });
});

describe('runs of one vCon', () => {
  const queued = (runId: string, from: string, more: Partial<TimelineRun> = {}): Partial<TimelineRun> => ({
    runId,
    linkedFrom: [{ runId: from, traceId: '41c0ffee'.padEnd(32, '0'), chain: 'intake' }],
    chain: runId,
    ...more,
  });

  it('stand on one card and one scale, an arrow from each to those it queued', () => {
    const root = draw(
      { runId: 'first', duration: 0.1 },
      queued('second', 'first', { start: START + 100, duration: 0.3, outVconUuid: NEW_VCON }),
      queued('third', 'second', { start: START + 400, vconUuid: NEW_VCON, outVconUuid: NEW_VCON }),
    );
    expect(cards(root)).toHaveLength(1);
    const [first, second, third] = bars(root);
    expect(number(second, 'x')).toBeCloseTo(number(first, 'x') + number(first, 'width'));
    expect(number(second, 'width') / number(first, 'width')).toBeCloseTo(3, 3);
    expect(number(third, 'width')).toBeCloseTo(number(first, 'width'));
    expect(allOf(root, 'path').filter(has('arrow'))).toHaveLength(2);
    const [thread] = allOf(root, 'path').filter(has('thread'));
    const middle = number(first, 'y') + number(first, 'height') / 2;
    expect(thread?.attributes.d).toMatch(new RegExp(`^M${number(second, 'x')} ${middle}H`));
    expect(texts(root)).toContain(
      'secondcomplete→ 0198bbbb-0000-8000-8000-000000000002from intaketrace 0af76519…',
    );
    expect(texts(root)).toContain(`thirdcomplete${NEW_VCON}from intaketrace 0af76519…`);
  });

  it('stand on one card without an arrow where nothing tells who queued them', () => {
    const root = draw({ runId: '1' }, { runId: '2', start: START + 110 });
    expect(cards(root)).toHaveLength(1);
    expect(allOf(root, 'path').filter(has('arrow'))).toEqual([]);
  });

  it('that are hours apart are drawn with a break', () => {
    const root = draw({ runId: '1' }, queued('2', '1', { start: START + 7_200_100 }));
    expect(texts(root)).toContain('2 h 00 m later');
    const [first, second] = bars(root);
    expect(number(second, 'width')).toBeCloseTo(number(first, 'width'));
    expect(number(first, 'width')).toBeGreaterThan(150);
  });

  it('are apart from those of another', () => {
    const root = draw({ runId: '1' }, { runId: '2', vconUuid: OTHER_VCON, outVconUuid: OTHER_VCON });
    expect(cards(root)).toHaveLength(2);
    expect(texts(root)).toContain(`vCon${OTHER_VCON}`);
  });

  it('that were queued by runs which are not shown say by which', () => {
    const [first] = queued('2', '1').linkedFrom ?? [];
    const unknown = { runId: '9', traceId: '42c0ffee'.padEnd(32, '0'), chain: undefined };
    const root = draw({ linkedFrom: [first ?? unknown, unknown, unknown, unknown, unknown] });
    const from = 'from intakefrom trace 42c0ffee…from trace 42c0ffee…and 2 more';
    expect(texts(root)).toContain(`intakecomplete${from}trace 0af76519…`);
    expect(allOf(root, 'path').filter(has('arrow'))).toEqual([]);
  });

  it('can queue each other in a circle, and be queued before the queuing one began', () => {
    const root = draw(queued('1', '2'), queued('2', '1', { start: START - 50 }), queued('3', '3'));
    expect(cards(root)).toHaveLength(1);
    expect(allOf(root, 'path').filter(has('arrow'))).toHaveLength(2);
  });
});

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
      fc.property(fc.array(run, { maxLength: 5 }), (runs) => {
        const root = draw(...runs);
        for (const bar of bars(root)) {
          expect(number(bar, 'x')).toBeGreaterThan(40);
          expect(number(bar, 'x') + number(bar, 'width')).toBeLessThanOrEqual(748.01);
        }
        for (const { attributes } of allOf(root, 'rect').concat(allOf(root, 'path'), allOf(root, 'text')))
          expect(JSON.stringify(attributes)).not.toMatch(/NaN|Infinity|undefined/);
      }),
    );
  });
});
