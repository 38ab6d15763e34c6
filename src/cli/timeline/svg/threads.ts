import type { TimelineRun } from '../timeline-run.ts';
import type { Span } from './layout.ts';
import { element, type Markup, short } from './markup.ts';

/** A run and the bar of its chain. */
export interface Threaded {
  readonly run: TimelineRun;
  readonly chain: Span;
  /** The middle of the bar. */
  readonly y: number;
}

/** In less space than this, an arrow to the right does not fit. */
const ARROW_ROOM = 16;
const BEND = 5;

/** An arrow from the end of each chain to the beginning of those that it queued. */
export function threads(runs: readonly Threaded[]): Markup[] {
  const byId = new Map(runs.map((threaded) => [threaded.run.runId, threaded]));
  return runs.flatMap((to) =>
    to.run.linkedFrom.flatMap(({ runId }) => {
      const from = byId.get(runId);
      return from && from !== to ? thread(from, to) : [];
    }),
  );
}

function thread(from: Threaded, to: Threaded): Markup[] {
  const [x, y] = [short(from.chain.right), short(from.y)];
  const [left, end] = [short(to.chain.left), short(to.y)];
  const down = end > y ? 1 : -1;
  if (left - x >= ARROW_ROOM)
    return [
      element('path', {
        class: 'thread',
        d: `M${x} ${y}V${short(end - down * BEND)}Q${x} ${end} ${x + BEND} ${end}H${left - 6}`,
      }),
      element('path', { class: 'arrow', d: `M${left - 1} ${end}l-7-4v8z` }),
    ];
  const at = short(Math.min(Math.max(x, left + 1), Math.max(to.chain.right, left + 1)));
  const tip = short(end - down * 4);
  return [
    element('path', { class: 'thread', d: `M${x} ${y}H${at}V${short(tip - down * 5)}` }),
    element('path', { class: 'arrow', d: `M${at} ${tip}l-4 ${-7 * down}h8z` }),
  ];
}
