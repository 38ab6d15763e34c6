import { spanName } from '../model/semconv.ts';
import { formatDuration } from './format-duration.ts';
import { type Story, storiesOf } from './stories.ts';
import { CHARACTER, escapeXml, round, textAt, widthOf } from './svg-text.ts';
import type { TimelineRun, TimelineStep } from './timeline-run.ts';

const WIDTH = 880;
const MARGIN = 20;
const ROW = 22;
const LABELS = 210;
/** Where bars are. */
const PLOT = { left: MARGIN + LABELS + 10, right: WIDTH - MARGIN - 212 };

/**
 * Draws runs as one SVG document: runs that queued one another stand below each other on one scale of time, tied by an arrow.
 * Light and dark as its reader has it; nothing is loaded from anywhere.
 */
export function renderSvg(runs: readonly TimelineRun[]): string {
  const cards: string[] = [];
  let y = MARGIN;
  for (const story of storiesOf(runs)) {
    const card = drawStory(story, y);
    cards.push(card.svg);
    y = card.bottom + MARGIN;
  }
  const height = Math.max(y, 2 * MARGIN);
  const title = `Timeline of ${runs.length} ${runs.length === 1 ? 'run' : 'runs'}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${round(height)}" width="${WIDTH}" height="${round(height)}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${title}</title>`,
    `<desc id="desc">${escapeXml(runs.map(inWords).join(' '))}</desc>`,
    `<style>${STYLE}</style>`,
    ARROW,
    ...cards,
    '</svg>',
    '',
  ].join('\n');
}

interface Card {
  readonly svg: string;
  readonly bottom: number;
}

/** From time to place: milliseconds since the Unix epoch to pixels. */
type Scale = (time: number) => number;

function drawStory({ runs, start, end, vconUuid }: Story, top: number): Card {
  const scale: Scale = (time) =>
    PLOT.left +
    (Math.min(end, Math.max(start, time)) - start) * ((PLOT.right - PLOT.left) / (end - start || 1));
  const parts: string[] = [];
  const places = new Map<string, { readonly y: number; readonly run: TimelineRun }>();
  let y = top + 30;
  parts.push(textAt(vconUuid ?? 'vCon unknown', { x: MARGIN + 14, y, look: 'vcon' }));
  parts.push(
    textAt(formatDuration((end - start) / 1e3), { x: WIDTH - MARGIN - 14, y, look: 'quiet', right: true }),
  );
  y += ROW;
  const axis = y;
  y += 14;
  for (const run of runs) {
    y += ROW;
    places.set(run.runId, { y, run });
    parts.push(...linksTo(run, y, places, scale), chainRow(run, y, scale));
    for (const step of run.steps) {
      y += ROW;
      parts.push(stepRow(run, step, y, scale));
    }
    y += 6;
  }
  const bottom = y + 14;
  const card = `<rect class="card" x="${MARGIN}" y="${round(top)}" width="${WIDTH - 2 * MARGIN}" height="${round(bottom - top)}" rx="10"/>`;
  return { svg: [card, ...axisAt(axis, bottom - 14, start, end, scale), ...parts].join('\n'), bottom };
}

function axisAt(y: number, bottom: number, start: number, end: number, scale: Scale): string[] {
  const step = roundStep((end - start) / 5);
  const ticks = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, index) => index * step);
  return ticks.flatMap((tick) => {
    const x = round(scale(start + tick));
    const label = tick === 0 ? '0' : formatDuration(tick / 1e3);
    return [
      `<path class="grid" d="M${x} ${round(y + 6)}V${round(bottom)}"/>`,
      textAt(label, { x: x - widthOf(label) / 2, y, look: 'tick' }),
    ];
  });
}

/** 1, 2 or 5 of some power of ten, at least so much. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 0.001)));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

function chainRow(run: TimelineRun, y: number, scale: Scale): string {
  const from = scale(run.start);
  const to = Math.max(from + 2, scale(run.start + run.duration * 1e3));
  const state = stateOf(run);
  const changed = run.outVconUuid !== undefined && run.outVconUuid !== run.vconUuid;
  return [
    '<g>',
    `<title>${escapeXml(inWords(run))}</title>`,
    textAt(`${MARKS[state]} ${run.chain}`, {
      x: MARGIN + 14,
      y: y + 4,
      look: `chain ${state}`,
      room: LABELS,
    }),
    `<rect class="run ${state}" x="${round(from)}" y="${round(y - 7)}" width="${round(to - from)}" height="14" rx="4"/>`,
    note(
      `${run.open ? 'not over yet' : (run.outcome ?? 'unknown')}${changed ? ' → new vCon' : ''}`,
      run.duration,
      y,
      state,
    ),
    '</g>',
  ].join('');
}

function stepRow(run: TimelineRun, step: TimelineStep, y: number, scale: Scale): string {
  const from = scale(run.start + step.start * 1e3);
  const to = Math.max(from + 2, scale(run.start + (step.start + step.duration) * 1e3));
  const kind = step.stage === 'other' ? 'other' : `${step.stage} ${step.outcome ?? 'unknown'}`;
  const name = step.stage === 'other' ? step.name : spanName(step.stage, step.name);
  const indent = Math.min(step.depth, 4) * 12;
  const changed = step.outVconUuid !== undefined && step.outVconUuid !== step.vconUuid;
  const said = step.errorType ?? (step.outcome === 'halt' ? 'halt' : changed ? '→ new vCon' : '');
  return [
    '<g>',
    `<title>${escapeXml(`${name}: ${step.outcome ?? 'not over'}, ${formatDuration(step.duration)}`)}</title>`,
    textAt(name, { x: MARGIN + 30 + indent, y: y + 4, look: 'label', room: LABELS - 16 - indent }),
    `<rect class="bar ${kind}" x="${round(from)}" y="${round(y - 6)}" width="${round(to - from)}" height="12" rx="3"/>`,
    note(said, step.duration, y, step.outcome ?? 'unknown'),
    '</g>',
  ].join('');
}

/** How long it took, and what there is to say. */
function note(said: string, duration: number, y: number, state: string): string {
  const x = PLOT.right + 10 + 9 * CHARACTER;
  return [
    textAt(formatDuration(duration), { x, y: y + 4, look: 'quiet', right: true }),
    said === ''
      ? ''
      : textAt(said, { x: x + 10, y: y + 4, look: `said ${state}`, room: WIDTH - MARGIN - 10 - x - 10 }),
  ].join('');
}

/** An arrow from each run that queued this one, where it is drawn as well. */
function linksTo(
  run: TimelineRun,
  y: number,
  places: ReadonlyMap<string, { readonly y: number; readonly run: TimelineRun }>,
  scale: Scale,
): string[] {
  return run.linkedFrom.flatMap(({ runId }) => {
    const from = places.get(runId);
    if (!from) return [];
    const x = scale(run.start);
    const left = Math.min(x, scale(from.run.start + from.run.duration * 1e3)) - 7;
    return [
      `<path class="link" d="M${round(left)} ${round(from.y + 8)}V${round(y)}H${round(x - 1)}" marker-end="url(#arrow)"/>`,
    ];
  });
}

function stateOf({ outcome, open }: TimelineRun): keyof typeof MARKS {
  if (open || outcome === undefined) return 'unknown';
  return outcome === 'complete' ? 'success' : outcome === 'halted' ? 'halt' : 'error';
}

function inWords(run: TimelineRun): string {
  const failed = run.errorType === undefined ? '' : ` (${run.errorType})`;
  return `Chain ${run.chain}: ${run.outcome ?? 'unknown'}${failed}, ${formatDuration(run.duration)}, trace ${run.traceId}.`;
}

const MARKS = { success: '✓', halt: '⏹', error: '✗', unknown: '?' } as const;

const ARROW =
  '<defs><marker id="arrow" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto"><path class="head" d="M0 0L6 3L0 6z"/></marker></defs>';

const STYLE = `
:root{--paper:#fff;--card:#f6f8fa;--edge:#d1d9e0;--ink:#1f2328;--dim:#59636e;--grid:#e4e8ec;--link:#2f6feb;--store:#8250df;--good:#1a7f37;--warn:#9a6700;--bad:#cf222e;--other:#afb8c1}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--card:#151b23;--edge:#3d444d;--ink:#f0f6fc;--dim:#9198a1;--grid:#262c36;--link:#4493f8;--store:#ab7df8;--good:#3fb950;--warn:#d29922;--bad:#f85149;--other:#656c76}}
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:var(--ink)}
.card{fill:var(--card);stroke:var(--edge)}.grid{stroke:var(--grid);fill:none}.tick,.quiet{fill:var(--dim)}.vcon,.chain{font-weight:600}
.run{fill:none;stroke-width:1.5}.run.success{stroke:var(--good)}.run.halt{stroke:var(--warn)}.run.error{stroke:var(--bad)}.run.unknown{stroke:var(--dim);stroke-dasharray:4 3}
.bar{fill:var(--other)}.bar.link{fill:var(--link)}.bar.storage{fill:var(--store)}.bar.halt{fill:var(--warn)}.bar.error{fill:var(--bad)}
.chain.success,.said.success{fill:var(--good)}.chain.halt,.said.halt{fill:var(--warn)}.chain.error,.said.error{fill:var(--bad)}
.link[d]{fill:none;stroke:var(--dim);stroke-dasharray:2 2}.head{fill:var(--dim)}
`;
