import { formatDuration } from '../format-duration.ts';
import { isChanged, stepDurationOf, stepName } from '../run-words.ts';
import type { TimelineStep } from '../timeline-run.ts';
import { type Columns, indentOf, NAME_SIZE, PADDING, type Span } from './layout.ts';
import { mark } from './mark.ts';
import { cut, element, escaped, keptWidth, type Markup, widthOf } from './markup.ts';

const LINE_HEIGHT = 22;
/** From the middle of a name to that of the bar below it. */
const BAR_BELOW = 16;
/** From the middle of a text to its baseline. */
const BASELINE = 4;
const BAR_HEIGHT = 12;
const OTHER_BAR_HEIGHT = 6;
const NOTE_SIZE = 11;
const NOTE_APART = 6;

/** The height of each row. */
export function rowHeight({ isStacked }: Columns): number {
  return isStacked ? LINE_HEIGHT + BAR_BELOW : LINE_HEIGHT;
}

/** Where a row is: its own bar, that of its chain, and the upper edge. */
export interface RowPlace {
  readonly bar: Span;
  readonly chain: Span;
  readonly top: number;
}

/** A link, a storage or somebody else's span: mark, name, bar, a note, duration. */
export function stepRow(step: TimelineStep, place: RowPlace, columns: Columns): Markup {
  const { stage, outcome } = step;
  const { bar, top } = place;
  const middle = top + LINE_HEIGHT / 2;
  const barMiddle = columns.isStacked ? middle + BAR_BELOW : middle;
  const baseline = middle + BASELINE;
  const isQuiet = stage === 'other' && outcome === 'success';
  const height = stage === 'other' ? OTHER_BAR_HEIGHT : BAR_HEIGHT;
  return element('g', {}, [
    element('title', {}, [escaped(describe(step))]),
    ...(isQuiet ? [] : [mark(outcome ?? 'unknown', PADDING + 8, middle)]),
    label(step, baseline, columns),
    element('rect', {
      class: barClass(step),
      x: bar.left,
      y: barMiddle - height / 2,
      width: bar.right - bar.left,
      height,
      rx: Math.min(2.5, height / 2),
    }),
    ...note(step, place, barMiddle + BASELINE, columns),
    element('text', { class: durationClass(isQuiet, columns), x: columns.durations, y: baseline }, [
      escaped(stepDurationOf(step)),
    ]),
  ]);
}

/** Where it is not in a column of its own, it stands out from what is behind it. */
function durationClass(isQuiet: boolean, { isStacked }: Columns): string {
  return `number${isQuiet ? ' quiet' : ''}${isStacked ? ' halo' : ''}`;
}

function barClass({ stage, outcome }: TimelineStep): string {
  if (outcome === undefined) return `bar ${stage} unended`;
  return outcome === 'success' ? `bar ${stage}` : `bar ${outcome}`;
}

/** The part of a name that says what kind of step it is, is quieter than the part that says which step. */
function label(step: TimelineStep, y: number, columns: Columns): Markup {
  const indent = indentOf(step);
  const shown = cut(stepName(step), columns.nameWidth - indent, NAME_SIZE);
  const kind = step.stage === 'other' ? shown : shown.slice(0, step.stage.length + 1);
  return element(
    'text',
    {
      class: columns.isStacked ? 'id halo' : 'id',
      x: columns.name + indent,
      y,
      ...keptWidth(shown, NAME_SIZE),
    },
    [element('tspan', { class: 'quiet' }, [escaped(kind)]), escaped(shown.slice(kind.length))],
  );
}

/** Beside the bar or on it, wherever there is most room: one of the three is at least a third of the column. */
function note(
  step: TimelineStep,
  { bar, chain }: RowPlace,
  y: number,
  { bars, barsWidth }: Columns,
): Markup[] {
  const wanted = noteOf(step);
  if (wanted === undefined) return [];
  const after = bars + barsWidth - bar.right;
  const before = bar.left - bars;
  const inside = bar.right - bar.left;
  const most = Math.max(after, before, inside);
  const needed = widthOf(wanted, NOTE_SIZE) + 2 * NOTE_APART;
  const room = [after, before, inside].find((each) => each >= needed) ?? most;

  const shown = cut(wanted, room - 2 * NOTE_APART, NOTE_SIZE);
  const width = widthOf(shown, NOTE_SIZE);
  const written = (style: string, x: number) => {
    const attributes = { class: `id small ${style}`, x, y, ...keptWidth(shown, NOTE_SIZE) };
    return [element('text', attributes, [escaped(shown)])];
  };
  if (room === inside) return written('on', bar.left + NOTE_APART);
  const left = room === after ? bar.right + NOTE_APART : bar.left - NOTE_APART - width;
  // On the background of its chain it needs no contrast.
  const halo = left < chain.left || left + width > chain.right ? ' halo' : '';
  const look = step.outcome === 'error' ? 'error' : 'quiet';
  return room === after
    ? written(look + halo, left)
    : written(`before ${look}${halo}`, bar.left - NOTE_APART);
}

function noteOf(step: TimelineStep): string | undefined {
  if (step.errorType) return step.errorType;
  return isChanged(step) ? `→ ${shortened(step.outVconUuid ?? '')}` : undefined;
}

function shortened(uuid: string): string {
  return uuid.length > 9 ? `${uuid.slice(0, 8)}…` : uuid;
}

function describe(step: TimelineStep): string {
  const { outcome, errorType, start } = step;
  const result = [outcome ?? 'not ended', ...(errorType ? [errorType] : [])].join(' ');
  const at = start > 0 ? `, ${formatDuration(start)} after its chain began` : '';
  const uuid = isChanged(step) ? `, vCon ${step.vconUuid} → ${step.outVconUuid}` : '';
  return `${stepName(step)}: ${result} in ${stepDurationOf(step)}${at}${uuid}`;
}
