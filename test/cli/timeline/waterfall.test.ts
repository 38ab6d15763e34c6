import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderRun, type TimelineRun, type TimelineStep } from '../../../src/cli/timeline/index.ts';
import { displayWidth } from '../../../src/cli/timeline/terminal-text.ts';
import { RUN, STEP } from './drawing.ts';
import { NEW_VCON, VCON } from './recording.ts';

const plain = (run: Partial<TimelineRun>, width = 100) =>
  renderRun({ ...RUN, ...run }, { width, colour: false });
const linesOf = (steps: Partial<TimelineStep>[], width?: number) =>
  plain({ steps: steps.map((step) => ({ ...STEP, ...step })) }, width)
    .split('\n')
    .filter((line) => !line.includes(VCON) && !line.includes('trace '));

describe('the picture', () => {
  it('a run is a headline and a line for each step', () => {
    const steps: Partial<TimelineStep>[] = [
      { name: 'tag', start: 0, duration: 0.025 },
      { stage: 'other', name: 'POST', start: 0.0125, duration: 0.0006, depth: 1 },
      { name: 'gate', start: 0.025, duration: 0.025, outcome: 'halt' },
      {
        stage: 'storage',
        name: 'files',
        start: 0.05,
        duration: 0.05,
        outcome: 'error',
        errorType: 'ECONNREFUSED',
      },
    ];
    const text = plain({ outcome: 'halted', steps: steps.map((step) => ({ ...STEP, ...step })) }, 80);
    expect(text.split('\n')).toEqual([
      `⏹ intake  ${VCON}  halted  100 ms`,
      '  trace 0af7651916cd43dd8448eb211c80319c',
      '  ✓ link.tag      █████████▌                                 25 ms',
      '      POST             ▎                                    600 µs',
      '  ⏹ link.gate               █████████▌                       25 ms',
      '  ✗ storage.files                    ███████████████████     50 ms  ECONNREFUSED',
    ]);
  });

  it('an error, a changed uuid, a hand-over and a missing chain span are in the headline', () => {
    const text = plain(
      {
        outcome: 'error',
        errorType: 'RangeError',
        outVconUuid: NEW_VCON,
        truncated: true,
        inferred: ['duration'],
        linkedFrom: [
          { runId: '1'.repeat(16), traceId: '41c0ffee'.padEnd(32, '0'), chain: 'front' },
          { runId: '2'.repeat(16), traceId: '42c0ffee'.padEnd(32, '0'), chain: undefined },
        ],
      },
      300,
    );
    expect(text).toBe(
      `✗ intake  ${VCON}  → ${NEW_VCON}  error RangeError  without its chain span  ~100 ms` +
        '  trace 0af7651916cd43dd8448eb211c80319c  from front (trace 41c0ffee…)  from ? (trace 42c0ffee…)',
    );
  });

  it('a run of unknown outcome and uuid says so', () => {
    const text = plain({ outcome: undefined, vconUuid: undefined, outVconUuid: undefined, truncated: true });
    expect(text).toMatch(/^\? intake {2}vCon unknown {2}without its chain span {2}100 ms/);
  });

  it('the link that changed the uuid shows the new one', () => {
    const [line] = linesOf([{ outVconUuid: NEW_VCON }]);
    expect(line).toMatch(/100 ms {2}→ 0198bbbb-0000-/);
  });

  it('bars have sub-cell length, at least an eighth, and stay within the run', () => {
    const bars = linesOf([
      { start: 0, duration: 0.1 },
      { start: 0.05, duration: 0.000001 },
      { start: -1, duration: 0 },
      { start: 5, duration: 5 },
      { start: 0.099, duration: 7 },
    ]).map((line) => line.replace('  ✓ link.tag ', '').slice(0, -' 123456789'.length));
    const cells = bars[0]?.length ?? 0;
    expect(bars[0]).toBe('█'.repeat(cells));
    expect(bars[1]?.trim()).toBe('▏');
    expect(bars[1]?.indexOf('▏')).toBe(Math.round(cells / 2));
    expect(bars[2]?.trimEnd()).toBe('▏');
    expect(bars[3]?.trimStart()).toBe('▏');
    expect(bars[4]?.trimStart()).toMatch(/^[█▉▊▋▌▍▎▏]$/);
    expect(new Set(bars.map((bar) => bar.length))).toEqual(new Set([cells]));
  });

  it('a run without duration is drawn', () => {
    expect(plain({ duration: 0, steps: [{ ...STEP, duration: 0 }] })).toContain('▏');
  });

  it.each([
    [0, '0 µs'],
    [0.0000004, '0 µs'],
    [0.00052, '520 µs'],
    [0.0009996, '1.0 ms'],
    [0.0073, '7.3 ms'],
    [0.00996, '10 ms'],
    [0.9996, '1.00 s'],
    [3.444, '3.44 s'],
    [9.996, '10.0 s'],
    [59.96, '1 m 00 s'],
    [125.2, '2 m 05 s'],
    [3599.7, '1 h 00 m'],
    [12_000, '3 h 20 m'],
    [1_000_000, '12 d'],
  ])('%d seconds read %s', (seconds, text) => {
    expect(plain({ duration: seconds })).toContain(`  ${text}`);
  });
});

describe('the terminal', () => {
  it('without colour there is no escape sequence, with it the text is the same', () => {
    const run = { ...RUN, steps: [STEP, { ...STEP, outcome: 'error', errorType: 'TypeError' } as const] };
    const coloured = renderRun(run, { width: 100, colour: true });
    const bare = renderRun(run, { width: 100, colour: false });
    expect(stripVTControlCharacters(bare)).toBe(bare);
    expect(stripVTControlCharacters(coloured)).toBe(bare);
  });

  it('the chain, the trace and the queuers of a run lead to the pages of their traces, the text is the same', () => {
    const queuer = '1'.repeat(32);
    const run = { ...RUN, linkedFrom: [{ runId: 'front', traceId: queuer, chain: 'front' }] };
    const tracePage = (traceId: string) => `https://example.com/${traceId}`;
    const linked = renderRun(run, { width: 60, colour: true, tracePage });
    // Text, link, text, link …
    const links = linked.split('\u001b]8;;').filter((_, index) => index % 2 === 1);
    expect(links.map((link) => stripVTControlCharacters(link.replace('\u001b\\', ' ')))).toEqual([
      `${tracePage(RUN.traceId)} ✓ intake`,
      `${tracePage(RUN.traceId)} trace ${RUN.traceId}`,
      `${tracePage(queuer)} from front (trace 11111111…)`,
    ]);
    expect(stripVTControlCharacters(linked)).toBe(renderRun(run, { width: 60, colour: false }));
    expect(renderRun(run, { width: 60, colour: true, tracePage: () => undefined })).not.toContain('\u001b]8');
  });

  it('errors are red and halts yellow', () => {
    const [error, halt] = (['error', 'halt'] as const).map((outcome) =>
      renderRun({ ...RUN, steps: [{ ...STEP, outcome }] }, { width: 100, colour: true })
        .split('\n')
        .at(-1),
    );
    expect(error).toContain('\u001b[31m✗');
    expect(error).toContain('\u001b[31m█');
    expect(halt).toContain('\u001b[33m⏹');
    expect(halt).toContain('\u001b[33m█');
  });

  it('nothing in a file can steer the terminal', () => {
    const evil = '\u001b[2J\u001b]0;title\u0007\u009b31m\r\n\u202eevil\u2028\u0000\ud800x';
    const run = {
      ...RUN,
      chain: evil,
      vconUuid: evil,
      outVconUuid: `${evil}2`,
      errorType: evil,
      outcome: 'error' as const,
    };
    const steps = [
      { ...STEP, name: evil, errorType: evil },
      { ...STEP, outVconUuid: evil },
    ];
    const linkedFrom = [{ runId: evil, traceId: '1'.repeat(32), chain: evil }];
    const text = renderRun({ ...run, steps, linkedFrom }, { width: 100, colour: false });
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    expect(text.split('\n').length).toBeLessThanOrEqual(2 + steps.length + 4);
    expect(text).toContain('evil');
  });

  it('wide characters keep the bars in one column', () => {
    const names = ['转写录音', '要約する', '요약', 'résumé', 'ｆｕｌｌ', 'e\u0301', '🎧 audio', 'ﾊﾝｶｸ'];
    const lines = linesOf(names.map((name) => ({ name })));
    expect(new Set(lines.map((line) => displayWidth(line.slice(0, line.indexOf('█')))))).toHaveProperty(
      'size',
      1,
    );
  });

  it.each([
    ['abc', 3],
    ['转写', 4],
    ['요약', 4],
    ['ﾊﾝ', 2],
    ['ｆ', 2],
    ['e\u0301', 1],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['ελ', 2],
    ['—…→', 3],
  ])('%s takes %d cells', (text, cells) => {
    expect(displayWidth(text)).toBe(cells);
  });

  it('no line is wider than the terminal, or than 60 where that is narrower', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.constantFrom('转写'.repeat(30), 'x'.repeat(200), ''),
    );
    const number = fc.double({ min: -10, max: 1e6, noNaN: true });
    const step = fc.record({
      stage: fc.constantFrom('link' as const, 'storage' as const, 'other' as const),
      name,
      outcome: fc.constantFrom('success' as const, 'halt' as const, 'error' as const),
      errorType: fc.option(name, { nil: undefined }),
      start: number,
      duration: fc.double({ min: 0, max: 1e6, noNaN: true }),
      depth: fc.nat({ max: 500 }),
      outVconUuid: fc.option(name, { nil: undefined }),
    });
    const run = fc.record({
      chain: name,
      vconUuid: fc.option(name, { nil: undefined }),
      outVconUuid: fc.option(name, { nil: undefined }),
      duration: fc.double({ min: 0, max: 1e6, noNaN: true }),
      steps: fc.array(
        step.map((some) => ({ ...STEP, ...some })),
        { maxLength: 8 },
      ),
    });
    fc.assert(
      fc.property(run, fc.integer({ min: 1, max: 240 }), (some, width) => {
        const text = plain(some, width);
        for (const line of text.split('\n'))
          expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(60, width));
        expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
