import { styleText } from 'node:util';
import type { TracePage } from '../../config/trace-page.ts';
import { bar } from './bar.ts';
import {
  durationOf,
  isChanged,
  lateOf,
  lookOf,
  missingOf,
  outcomeWords,
  stepDurationOf,
  stepName,
} from './run-words.ts';
import { cleanText, displayWidth, fitText, hyperlink } from './terminal-text.ts';
import type { TimelineRun, TimelineStep } from './timeline-run.ts';

/** How a run is drawn. */
export interface WaterfallSettings {
  /** Terminal columns; never fewer than 60 are used. */
  readonly width: number;
  readonly colour: boolean;
  /** Where headlines lead to; undefined for nowhere. */
  readonly tracePage?: TracePage | undefined;
}

/**
 * Draws a run: a headline (broken where the terminal is narrow), then a line for each step with its bar on the scale of
 * the run. No line break at the end.
 * ```
 * ✓ intake  018f3c2a-…  complete  46 ms  trace 8dd1…  from front (trace 41c0ffee…)
 *   ✓ link.tag          ██████▌                7.3 ms
 *       POST             ███▏                  3.1 ms
 *   ✗ storage.archive          ████████████▍    14 ms  ECONNREFUSED
 * ```
 */
export function renderRun(run: TimelineRun, { width, colour, tracePage }: WaterfallSettings): string {
  const columns = Math.max(60, Math.floor(width));
  const paint: Paint = (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
  return [...headline(run, columns, paint, tracePage), ...stepLines(run, columns, paint)].join('\n');
}

type Style = Parameters<typeof styleText>[0];
type Part = {
  readonly text: string;
  readonly style?: Style;
  /** The trace that it leads to. */
  readonly traceId?: string;
};
type Paint = (style: Style, text: string) => string;

const LOOK = {
  success: { mark: '✓', style: 'green' },
  halt: { mark: '⏹', style: 'yellow' },
  error: { mark: '✗', style: 'red' },
  unknown: { mark: '?', style: 'gray' },
} as const;

function headline(run: TimelineRun, columns: number, paint: Paint, tracePage?: TracePage): string[] {
  const { traceId } = run;
  const look = LOOK[lookOf(run)];
  const [outcome, missing, late] = [outcomeWords(run), missingOf(run), lateOf(run)];
  const parts: Part[] = [
    { text: `${look.mark} ${run.chain}`, style: ['bold', look.style], traceId },
    { text: run.vconUuid ?? 'vCon unknown', style: 'bold' },
  ];
  if (isChanged(run)) parts.push({ text: `→ ${run.outVconUuid}`, style: 'bold' });
  if (outcome) parts.push({ text: outcome, style: look.style });
  if (missing) parts.push({ text: missing, style: 'yellow' });
  if (late) parts.push({ text: late, style: 'yellow' });
  parts.push({ text: durationOf(run) });
  parts.push({ text: `trace ${traceId}`, style: 'dim', traceId });
  if (run.sender !== undefined) parts.push({ text: `sent by ${run.sender}`, style: 'dim' });
  for (const { chain, traceId: queuer } of run.linkedFrom)
    parts.push({
      text: `from ${chain ?? '?'} (trace ${queuer.slice(0, 8)}…)`,
      style: 'dim',
      traceId: queuer,
    });
  return flow(parts, columns, paint, tracePage);
}

/** Parts side by side, two blanks between them; the lines after the first are indented. */
function flow(parts: readonly Part[], columns: number, paint: Paint, tracePage?: TracePage): string[] {
  const lines: string[] = [];
  let used = columns;
  for (const { text, style, traceId } of parts) {
    const clean = cleanText(text);
    const fitted = fitText(clean, Math.min(displayWidth(clean), columns - 2));
    const page = traceId === undefined ? undefined : tracePage?.(traceId);
    const painted = hyperlink(style ? paint(style, fitted) : fitted, page);
    const width = displayWidth(fitted);
    if (lines.length > 0 && used + 2 + width <= columns) {
      lines[lines.length - 1] += `  ${painted}`;
      used += 2 + width;
    } else {
      const indent = lines.length > 0 ? 2 : 0;
      lines.push(' '.repeat(indent) + painted);
      used = indent + width;
    }
  }
  return lines;
}

function stepLines({ steps, duration }: TimelineRun, columns: number, paint: Paint): string[] {
  const rows = steps.map((step) => ({ step, label: labelOf(step), note: noteOf(step) }));
  const widest = (texts: string[]) => texts.reduce((most, text) => Math.max(most, displayWidth(text)), 0);
  const labelWidth = Math.min(Math.floor(columns * 0.35), widest(rows.map(({ label }) => label)));
  const noteWidth = Math.min(Math.floor(columns * 0.25), widest(rows.map(({ note }) => note)));
  const cells = columns - 4 - labelWidth - 1 - 1 - DURATION_WIDTH - (noteWidth > 0 ? 2 + noteWidth : 0);
  return rows.map(({ step, label, note }) => {
    const look = LOOK[step.outcome ?? 'unknown'];
    const good = step.outcome === 'success';
    const quiet = step.stage === 'other' && good;
    const extent =
      duration > 0 ? { start: step.start / duration, end: (step.start + step.duration) / duration } : NOWHERE;
    const text = `${fitText(label, labelWidth)} ${paint(good ? 'cyan' : look.style, bar(extent, cells))}`;
    const time = stepDurationOf(step).padStart(DURATION_WIDTH);
    const tail = note
      ? `  ${paint(good ? 'yellow' : look.style, fitText(note, Math.min(noteWidth, displayWidth(note))))}`
      : '';
    const mark = quiet ? ' ' : paint(look.style, look.mark);
    return `  ${mark} ${quiet ? paint('dim', text) : text} ${time}${tail}`;
  });
}

const DURATION_WIDTH = 9;
const NOWHERE = { start: 0, end: 0 };
const DEEPEST_INDENT = 6;

function labelOf(step: TimelineStep): string {
  return '  '.repeat(Math.min(step.depth, DEEPEST_INDENT)) + cleanText(stepName(step));
}

function noteOf(step: TimelineStep): string {
  if (step.errorType) return cleanText(step.errorType);
  return isChanged(step) ? `→ ${cleanText(step.outVconUuid ?? '')}` : '';
}
