import { describe, expect, test } from 'vitest';
import { LiveState, painter } from '../../src/cli/live/index.ts';
import { displayWidth } from '../../src/cli/timeline/index.ts';
import { nowView } from '../../src/cli/top/now-view.ts';
import { stateRecord } from '../../src/cli/top/state-record.ts';
import { tracersView } from '../../src/cli/top/tracers-view.ts';
import type { ViewSettings } from '../../src/cli/top/view.ts';
import type { FeedSnapshot } from '../../src/page/feed-message.ts';

const NOW = 1_800_000_000_000;

function snapshot(runs: number): FeedSnapshot {
  const row = (at: number) => ({
    ...{
      id: `${at}`.padStart(16, '0'),
      chain: `chain ${at % 3} 漢字`,
      vcon: `uuid-${at}`,
      start: NOW - 1_000 * (runs - at),
    },
    ...{ duration: null, outcome: null, error_type: null, links: 2, stalled: at === 0 },
    steps: [
      ['l', 'first', 0, 0.1, 'success'],
      ['l', `step ${at}`, 0.2, null, null],
    ] as const,
  });
  const over = { ...row(runs), duration: 2, outcome: 'error', error_type: 'TimeoutError' };
  const chain = { running: 1, per_minute: 60, p50: 0.5, p99: 2 };
  const tracer = {
    circuit: 'closed',
    rate: 12.5,
    latency: 0.02,
    pending: 3,
    oldest_age: 90,
    retrying: 0,
    dead_letters: 2,
  };
  const counts = { ok: 1_000, retried: 1, dead: 2, dropped: 0, skipped: 0 };
  return {
    ...{
      service: 'conserver',
      now: NOW,
      step: 10_000,
      steps: 6,
      running: runs,
      stalled: 1,
      troubles: ['Look at \u001b[2J this.'],
    },
    chains: Array.from({ length: 9 }, (_, at) => ({
      ...{ chain: `chain ${at}`, ...chain },
      ended: [
        [10, 0, 0, 0],
        [0, 0, 0, 0],
        [20, 1, 2, 0],
      ] as const,
    })),
    tracers: [{ name: 'audit', ...tracer, ...counts }],
    runs: [...Array.from({ length: runs }, (_, at) => row(at)), over],
  };
}

function view(settings: Partial<ViewSettings> = {}, runs = 50): ViewSettings {
  const state = new LiveState();
  state.hear({ is: 'snapshot', data: snapshot(runs) });
  return { state, columns: 100, rows: 30, paint: painter(false), filter: '', scroll: 0, ...settings };
}

describe('the views of top', () => {
  test.each([40, 60, 80, 120, 200])(
    'on %d columns no line is wider, and what matters most is there',
    (columns) => {
      for (const rows of [10, 24, 60]) {
        const { lines } = nowView(view({ columns, rows }));
        expect(lines.filter((line) => displayWidth(line) > columns)).toEqual([]);
        const { lines: tracers } = tracersView(view({ columns, rows }));
        expect(tracers.filter((line) => displayWidth(line) > columns)).toEqual([]);
        expect(tracers.join('\n')).toMatch(/audit .* 3 /);
      }
      const text = nowView(view({ columns })).lines.join('\n');
      for (const sign of [
        '50 running',
        '▲ 1 stalled',
        '540/min',
        'Look at  this.',
        '▲ chain 0',
        '✗ chain 2',
        'errors',
      ])
        expect(text).toContain(sign);
    },
  );

  test('the oldest run stands first, and scrolling shows each of them', () => {
    const settings = view();
    const { most } = nowView(settings);
    const seen = new Set<string>();
    for (let scroll = 0; scroll <= most; scroll += 1)
      for (const line of nowView({ ...settings, scroll }).lines) seen.add(/step \d+/.exec(line)?.[0] ?? '');
    for (let at = 0; at < 50; at += 1) expect(seen).toContain(`step ${at}`);
    expect(nowView({ ...settings, scroll: most + 100 }).lines.join()).toContain('of 50');
    expect(nowView({ ...settings, scroll: most + 100 }).lines.join()).toContain('step 49');
  });

  test('a filter leaves what contains it: chains, uuids, steps, tracers', () => {
    const text = (filter: string) => nowView(view({ filter })).lines.join('\n');
    expect(text('STEP 7')).toContain('step 7');
    expect(text('STEP 7')).not.toContain('step 8');
    expect(text('nothing')).toContain('No such run is under way.');
    expect(tracersView(view({ filter: 'nothing' })).lines.join('')).toContain('No such tracer.');
  });

  test('what has changed takes the place of what was known, and what is gone goes', () => {
    const { state } = view({}, 2);
    const [first, second] = state.open.values();
    if (!first || !second) throw new Error('there are none');
    const change = {
      now: NOW + 10_000,
      runs: [{ ...first, duration: 3, outcome: 'complete' }],
      gone: [second.id],
    };
    const chains = [
      {
        ...snapshot(0).chains[0],
        chain: 'chain 0',
        ended: [
          [20, 1, 3, 0],
          [1, 0, 0, 0],
        ],
      } as const,
    ];
    state.hear({ is: 'change', data: { ...change, chains: chains as never, running: 0 } });
    expect([state.open.size, state.ended[0]?.id, state.running]).toEqual([0, first.id, 0]);
    expect(state.chains[0]?.total).toEqual([31, 1, 3, 0]);
    state.hear({ is: 'away', why: 'it is gone' });
    expect(stateRecord(state)).toMatchObject({ away: 'it is gone', service: 'conserver', oldest: [] });
  });
});
