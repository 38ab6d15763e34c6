import { durationOf, isChanged, lateOf, lookOf, missingOf, outcomeWords } from '../run-words.ts';
import type { TimelineRun } from '../timeline-run.ts';
import { type Columns, DURATION_WIDTH, PADDING } from './layout.ts';
import { mark } from './mark.ts';
import { cut, element, escaped, type Markup, widthOf } from './markup.ts';

const LINE_HEIGHT = 18;
const BETWEEN = 10;
/** How many of the runs that queued a run are named. */
const MAX_QUEUERS = 3;

/** The text above the bar of a run: chain, outcome, uuids, who queued it, trace; and its duration. */
export interface RunHeading {
  readonly height: number;
  draw(top: number): Markup;
}

/** @param known the uuid in the head of the card, which need not be repeated. */
export function runHeading(run: TimelineRun, known: string | undefined, columns: Columns): RunHeading {
  const { name, durations, isStacked } = columns;
  const lines = flow(partsOf(run, known), durations - DURATION_WIDTH - name);
  return {
    height: lines.length * LINE_HEIGHT,
    draw: (top) =>
      element('g', {}, [
        element('title', {}, [escaped(describe(run))]),
        mark(lookOf(run), PADDING + 8, top + 9, { strong: true }),
        ...lines.map((parts, index) =>
          element('text', { class: 'halo', x: name, y: top + 13 + index * LINE_HEIGHT }, parts.map(tspan)),
        ),
        element(
          'text',
          { class: isStacked ? 'number strong halo' : 'number strong', x: durations, y: top + 13 },
          [escaped(durationOf(run))],
        ),
      ]),
  };
}

/** A run in one line for a person. */
export function describe(run: TimelineRun): string {
  const { chain, vconUuid, outVconUuid, traceId } = run;
  const facts = [outcomeWords(run), missingOf(run), lateOf(run)].filter((fact) => fact !== undefined);
  const leaving = isChanged(run) ? ` → ${outVconUuid}` : '';
  return `${chain}: ${facts.join(', ')} in ${durationOf(run)}, vCon ${vconUuid ?? 'unknown'}${leaving}, trace ${traceId}`;
}

interface Part {
  readonly text: string;
  readonly style: string;
  readonly size: number;
}

function partsOf(run: TimelineRun, known: string | undefined): Part[] {
  const { chain, vconUuid, outVconUuid, linkedFrom, traceId } = run;
  const word = (of: string, style: string): Part => ({ text: of, style, size: 12 });
  const uuid = (of: string): Part => ({ text: of, style: 'id small', size: 11 });
  const aside = (of: string): Part => ({ text: of, style: 'quiet small', size: 11 });
  const [outcome, missing, late] = [outcomeWords(run), missingOf(run), lateOf(run)];
  return [
    word(chain, 'id strong'),
    ...(outcome === undefined ? [] : [word(outcome, lookOf(run))]),
    ...(missing === undefined ? [] : [word(missing, 'halt')]),
    ...(late === undefined ? [] : [word(late, 'halt')]),
    ...(vconUuid === known ? [] : [uuid(vconUuid ?? 'vCon unknown')]),
    ...(isChanged(run) ? [uuid(`→ ${outVconUuid}`)] : []),
    ...linkedFrom
      .slice(0, MAX_QUEUERS)
      .map((queuer) => aside(`from ${queuer.chain ?? `trace ${queuer.traceId.slice(0, 8)}…`}`)),
    ...(linkedFrom.length > MAX_QUEUERS ? [aside(`and ${linkedFrom.length - MAX_QUEUERS} more`)] : []),
    aside(`trace ${traceId.slice(0, 8)}…`),
  ];
}

/** Breaks parts into lines of that width. */
function flow(parts: readonly Part[], width: number): Part[][] {
  const lines: Part[][] = [];
  let left = 0;
  for (const part of parts) {
    const shown = { ...part, text: cut(part.text, width, part.size) };
    const needed = widthOf(shown.text, part.size);
    const line = lines.at(-1);
    if (line && BETWEEN + needed <= left) {
      line.push(shown);
      left -= BETWEEN + needed;
    } else {
      lines.push([shown]);
      left = width - needed;
    }
  }
  return lines;
}

function tspan({ text: of, style }: Part, position: number): Markup {
  return element('tspan', { class: style, dx: position > 0 ? BETWEEN : undefined }, [escaped(of)]);
}
