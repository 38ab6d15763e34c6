import { LONGEST_TIMER } from '../clock.ts';
import { type Measure, quantity, quantityOrNone } from './quantity.ts';

const DURATION: Measure = {
  expected: 'a duration such as 30s',
  units: new Map([
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ]),
};

/** A hundred years, in milliseconds: anything longer is a mistake. */
const LONGEST_PERIOD = 36_500 * 86_400_000;

/** A duration that a timer waits for, such as `500ms`, `30s` or `15m`. Its output is in milliseconds. */
export function delay() {
  return quantity(DURATION, { min: 1, max: LONGEST_TIMER });
}

/** A duration for comparing times, such as `24h` or `30d`. Its output is in milliseconds. */
export function period() {
  return quantity(DURATION, { min: 1, max: LONGEST_PERIOD });
}

/** A {@link period}, or 0 for one that never ends. */
export function periodOrNone() {
  return quantityOrNone(DURATION, { min: 1, max: LONGEST_PERIOD });
}
