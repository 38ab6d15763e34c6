import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeScale } from '../../../src/cli/timeline/svg/time-scale.ts';

const labels = (busy: { start: number; end: number }[], width = 500) =>
  timeScale(busy, width).ticks.map(({ label }) => label);

describe('a scale of time', () => {
  it('is as wide as it should be, and proportional', () => {
    const { x } = timeScale([{ start: 0, end: 2 }], 500);
    expect([0, 0.5, 1, 2].map(x)).toEqual([0, 125, 250, 500]);
  });

  it('is broken where nothing happens for long', () => {
    const { x, breaks } = timeScale(
      [
        { start: 0, end: 1 },
        { start: 3601, end: 3602 },
      ],
      500,
    );
    expect(breaks).toEqual([{ x: 235, width: 30, label: '1 h 00 m' }]);
    expect([0, 1, 1801, 3601, 3602].map(x)).toEqual([0, 235, 250, 265, 500]);
  });

  it('is not broken for a short wait, nor where stretches overlap', () => {
    const { x, breaks } = timeScale(
      [
        { start: 1.2, end: 2 },
        { start: 0, end: 1 },
        { start: 0.2, end: 0.8 },
      ],
      500,
    );
    expect(breaks).toEqual([]);
    expect(x(1.1)).toBeCloseTo(275);
  });

  it('has room for what happens beside any number of breaks', () => {
    const busy = Array.from({ length: 200 }, (_, index) => ({ start: index * 100, end: index * 100 + 1 }));
    const { x, breaks } = timeScale(busy, 500);
    expect(breaks).toHaveLength(199);
    expect(x(100 * 199 + 1)).toBeCloseTo(500);
    expect(x(1) - x(0)).toBeCloseTo(1.5);
  });

  it.each([
    [0.000_000_3, ['0', '0.1 µs', '0.2 µs', '0.3 µs']],
    [0.001_3, ['0', '500 µs', '1 ms']],
    [0.164, ['0', '50 ms', '100 ms', '150 ms']],
    [1.5, ['0', '500 ms', '1 s', '1.5 s']],
    [8, ['0', '2 s', '4 s', '6 s', '8 s']],
    [100, ['0', '30 s', '1 m', '1 m 30 s']],
    [7400, ['0', '30 m', '1 h', '1 h 30 m', '2 h']],
    [400_000, ['0', '1 d', '2 d', '3 d', '4 d']],
    [90_000_000, ['0', '200 d', '400 d', '600 d', '800 d', '1000 d']],
  ])('of %d seconds has round ticks', (end, ticks) => {
    expect(labels([{ start: 0, end }])).toEqual(ticks);
  });

  it('counts anew after a break', () => {
    const busy = [
      { start: 0, end: 0.2 },
      { start: 60, end: 60.2 },
    ];
    expect(labels(busy)).toEqual(['0', '100 ms', '200 ms', '+100 ms', '+200 ms']);
  });

  it('of no time at all is drawn', () => {
    const { x, ticks } = timeScale([{ start: 0, end: 0 }], 500);
    expect([x(-1), x(0), x(1)]).toEqual([0, 0, 500]);
    expect(ticks).toEqual([{ x: 0, label: '0' }]);
  });

  it('never goes back, nor beyond its edges', () => {
    const time = fc.double({ min: 0, max: 1e6, noNaN: true });
    const stretch = fc.tuple(time, time).map(([start, duration]) => ({ start, end: start + duration }));
    fc.assert(
      fc.property(
        fc.array(stretch, { minLength: 1, maxLength: 20 }),
        fc.array(fc.double({ min: -1e6, max: 3e6, noNaN: true })),
        (busy, times) => {
          const { x, ticks, breaks } = timeScale(busy, 500);
          const places = times.toSorted((a, b) => a - b).map(x);
          expect(places).toEqual(places.toSorted((a, b) => a - b));
          for (const place of [...places, ...ticks.map((tick) => tick.x), ...breaks.map((wait) => wait.x)]) {
            expect(place).toBeGreaterThanOrEqual(-1e-6);
            expect(place).toBeLessThanOrEqual(500 + 1e-6);
          }
        },
      ),
    );
  });
});
