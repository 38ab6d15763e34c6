import { formatDuration } from '../format-duration.ts';
import { lookOf } from '../run-words.ts';
import type { TimelineRun } from '../timeline-run.ts';
import { axis } from './axis.ts';
import { barBetween, type Columns, PADDING, type Span } from './layout.ts';
import { cut, element, escaped, type Markup, widthOf } from './markup.ts';
import { runHeading } from './run-heading.ts';
import { rowHeight, stepRow } from './step-row.ts';
import { type Threaded, threads } from './threads.ts';
import { timeScale } from './time-scale.ts';
import type { VconRuns } from './vcon-runs.ts';

const TITLE_BASELINE = 31;
const TITLE_SIZE = 14;
const FACTS_SIZE = 11;
/** How far below the vCon its facts are where there is no room for them beside it. */
const FACTS_BELOW = 20;
const AXIS_TOP = 65;
const FIRST_RUN = 73;
const AFTER_HEAD = 4;
const CHAIN_HEIGHT = 5;
const AROUND_STEPS = 2.5;
const BETWEEN_RUNS = 14;

/** A card and how high it is. */
export interface Card {
  readonly height: number;
  readonly markup: Markup;
}

/** Draws runs that belong together, one below the other, on one scale of time, with an arrow to each from the run that queued it. */
export function vconCard(runs: VconRuns, columns: Columns): Card {
  const [{ start: begin, vconUuid }] = runs;
  const since = (run: TimelineRun) => (run.start - begin) / 1e3;
  const busy = runs.map((run) => ({ start: since(run), end: since(run) + run.duration }));
  const scale = timeScale(busy, columns.barsWidth);
  const barOf = (start: number, duration: number) =>
    barBetween(scale.x(start), scale.x(start + duration), columns);

  const bands: Markup[] = [];
  const rows: Markup[] = [];
  const threaded: Threaded[] = [];
  const below = columns.isStacked ? FACTS_BELOW : 0;
  let top = FIRST_RUN + below;
  for (const run of runs) {
    const head = runHeading(run, vconUuid, columns);
    rows.push(head.draw(top));
    top += head.height + AFTER_HEAD;

    const chain = barOf(since(run), run.duration);
    const height = CHAIN_HEIGHT + AROUND_STEPS + run.steps.length * rowHeight(columns) + AROUND_STEPS;
    bands.push(rect('band', chain, { y: top, height, rx: 3 }));
    rows.push(rect(chainClass(run), chain, { y: top, height: CHAIN_HEIGHT, rx: CHAIN_HEIGHT / 2 }));
    threaded.push({ run, chain, y: top + CHAIN_HEIGHT / 2 });

    const firstRow = top + CHAIN_HEIGHT + AROUND_STEPS;
    for (const [index, step] of run.steps.entries()) {
      const bar = barOf(since(run) + step.start, step.duration);
      rows.push(stepRow(step, { bar, chain, top: firstRow + index * rowHeight(columns) }, columns));
    }
    top += height + BETWEEN_RUNS;
  }
  return {
    height: top,
    markup: element('g', {}, [
      element('rect', { class: 'card', x: 0.5, y: 0.5, width: columns.width - 1, height: top - 1, rx: 8 }),
      ...title(
        runs,
        busy.reduce((latest, { end }) => Math.max(latest, end), 0),
        columns,
      ),
      ...axis(scale, columns, AXIS_TOP + below, top - 12),
      ...bands,
      ...threads(threaded),
      ...rows,
    ]),
  };
}

function rect(
  style: string,
  { left, right }: Span,
  shape: { readonly y: number; readonly height: number; readonly rx: number },
): Markup {
  return element('rect', { class: style, x: left, width: right - left, ...shape });
}

function chainClass(run: TimelineRun): string {
  const { outcome, truncated } = run;
  const isPlain = outcome === 'complete' || outcome === undefined;
  const look = isPlain ? 'chain' : lookOf(run);
  return truncated ? `bar ${look} unended` : `bar ${look}`;
}

/** The vCon, the number of its runs, how long they took together, and when they began. */
function title(runs: VconRuns, seconds: number, { width, isStacked }: Columns): Markup[] {
  const [{ start, vconUuid = 'unknown' }] = runs;
  const facts = [
    runs.length === 1 ? '1 run' : `${runs.length} runs`,
    formatDuration(seconds),
    `${new Date(start).toISOString().slice(0, 19).replace('T', ' ')} UTC`,
  ].join(' · ');
  const beside = isStacked ? 0 : widthOf(facts, FACTS_SIZE) + 16;
  const room = width - 2 * PADDING - widthOf('vCon  ', TITLE_SIZE) - beside;
  const [style, size] = isStacked ? ['id strong small', FACTS_SIZE] : ['id strong', TITLE_SIZE];
  const at = isStacked
    ? { class: 'small quiet', x: PADDING, y: TITLE_BASELINE + FACTS_BELOW }
    : { class: 'number small quiet', x: width - PADDING, y: TITLE_BASELINE };
  return [
    element('text', { class: 'large', x: PADDING, y: TITLE_BASELINE }, [
      element('tspan', { class: 'quiet' }, [escaped('vCon')]),
      element('tspan', { class: style, dx: 8 }, [escaped(cut(vconUuid, room, size))]),
    ]),
    element('text', at, [escaped(facts)]),
  ];
}
