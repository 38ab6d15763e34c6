import { describe, expect, it } from 'vitest';
import type { TimelineRun } from '../../../src/cli/timeline/index.ts';
import {
  bars,
  cards,
  draw,
  drawSteps,
  group,
  has,
  number,
  OTHER_VCON,
  START,
  STEP,
  texts,
  tooltip,
} from './drawing.ts';
import { NEW_VCON, VCON } from './recording.ts';
import { allOf, textIn, type XmlElement } from './strict-xml.ts';

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
