import type { RunRow } from '../../page/live/run-row.ts';
import { type LiveState, outcomeStyle, type Paint, tableLines } from '../live/index.ts';
import { cleanText, displayWidth, fitText, formatDuration } from '../timeline/index.ts';
import { chainLines } from './chain-lines.ts';
import { runBar, scaleOf } from './run-bar.ts';
import { type DrawnView, isShown, type ViewSettings } from './view.ts';

/** Cells that are left to a bar where everything else has its place, and those without which there is none. */
const BESIDE_BAR = 62;
const LEAST_BAR = 8;
const MOST_BAR = 60;
/** Of the lines below the chains, what runs that have ended get where there are others. */
const SHARE_OF_ENDED = 0.35;

/** What the chains do at this moment. */
export function nowView(settings: ViewSettings): DrawnView {
  const { state, columns, rows, paint, filter, scroll } = settings;
  const now = state.now();
  const fits = ({ chain, vcon, steps }: RunRow) => isShown(filter, chain, vcon, steps.at(-1)?.[1]);
  const open = [...state.open.values()].filter(fits).sort((a, b) => a.start - b.start);
  const ended = state.ended.filter(fits);
  const head = [...summaryLines(state, columns, paint), ''];
  head.push(...chainLines(settings, Math.max(3, Math.floor(rows * 0.3))), '');
  // A heading and titles for each list.
  const left = Math.max(0, rows - head.length - 4);
  const forEnded = Math.min(ended.length, Math.max(Math.floor(left * SHARE_OF_ENDED), left - open.length));
  const forOpen = Math.max(0, left - forEnded);
  const most = Math.max(0, open.length - forOpen);
  const from = Math.min(scroll, most);
  const shown = open.slice(from, from + forOpen);
  const more = state.running - state.open.size;
  const lines = [
    ...head,
    heading(
      'Running',
      placeOf(open.length, from, shown.length, more > 0 ? `, ${count(more)} more, the newest` : ''),
      settings,
    ),
    ...openLines(shown, now, settings),
    heading('Just ended', ', newest first', settings),
    ...endedLines(ended.slice(0, forEnded), settings),
  ];
  return { lines, most };
}

function summaryLines(state: LiveState, columns: number, paint: Paint): string[] {
  const sum = (of: (chain: LiveState['chains'][number]) => number) =>
    state.chains.reduce((all, chain) => all + of(chain), 0);
  const [halted, errors] = [sum(({ total }) => total[1]), sum(({ total }) => total[2])];
  const minutes = `in ${Math.round(state.lookback / 60_000)} min`;
  const parts = [
    ['strong', `${count(state.running)} running`],
    [state.stalled > 0 ? 'halt' : 'quiet', `${state.stalled > 0 ? '▲ ' : ''}${count(state.stalled)} stalled`],
    ['strong', `${count(sum(({ per_minute: ended }) => ended))}/min`],
    [errors > 0 ? 'bad' : 'quiet', `${count(errors)} errors ${minutes}`],
    [halted > 0 ? 'halt' : 'quiet', `${count(halted)} halted`],
  ] as const;
  const lines = [''];
  let used = 0;
  for (const [look, text] of parts) {
    const width = displayWidth(text) + (used > 0 ? 3 : 0);
    if (used + width > columns) {
      lines.push('');
      used = 0;
    }
    lines.push(`${lines.pop()}${used > 0 ? ' · ' : ''}${paint(look, text)}`);
    used += width;
  }
  const troubles = state.troubles.map((trouble) =>
    paint('halt', fitText(`▲ ${cleanText(trouble)}`, columns)),
  );
  return [...lines, ...troubles.slice(0, 3)];
}

function heading(title: string, note: string, { columns, paint }: ViewSettings): string {
  return paint('strong', fitText(title + note, columns));
}

function placeOf(all: number, from: number, shown: number, more: string): string {
  if (all > shown) return `, oldest first: ${count(from + 1)}–${count(from + shown)} of ${count(all)}${more}`;
  return `, oldest first${more}`;
}

function openLines(
  runs: readonly RunRow[],
  now: number,
  { state, columns, paint, filter }: ViewSettings,
): string[] {
  if (runs.length === 0)
    return [
      paint('quiet', fitText(filter === '' ? 'No run is under way.' : 'No such run is under way.', columns)),
    ];
  const usual = new Map(state.chains.map(({ chain, p99 }) => [chain, p99]));
  const ageOf = ({ start }: RunRow) => Math.max(0, (now - start) / 1e3);
  const scale = scaleOf(
    [...state.open.values()].flatMap((run) => [ageOf(run), (usual.get(run.chain) ?? 0) * 1.05]),
  );
  const cells = Math.min(MOST_BAR, columns - BESIDE_BAR);
  const look = (run: RunRow) => (run.stalled ? 'halt' : 'running');
  return tableLines<RunRow>(
    runs,
    [
      {
        title: 'chain',
        text: (run) => `${run.stalled ? '▲' : '▸'} ${cleanText(run.chain)}`,
        rank: 0,
        most: 24,
        paint: (run, text) => paint(look(run), text),
      },
      { title: 'vCon', text: ({ vcon }) => cleanText(vcon ?? '?').slice(0, 8), rank: 2 },
      ...(cells < LEAST_BAR
        ? []
        : [
            {
              title: `0 … ${formatDuration(scale)}`,
              text: (run: RunRow) =>
                runBar(run, { age: ageOf(run), scale, usual: usual.get(run.chain) ?? null }, cells),
              rank: 3,
              most: cells,
              paint: (run: RunRow, text: string) => paint(look(run), text),
            },
          ]),
      { title: 'step', text: stepOf, rank: 1, most: 20 },
      { title: 'age', text: (run) => formatDuration(ageOf(run)), rank: 0, align: 'right' },
    ],
    columns,
    (text) => paint('quiet', text),
  );
}

function stepOf({ steps, stalled }: RunRow): string {
  const [, name = '', , duration] = steps.at(-1) ?? [];
  const step =
    steps.length === 0 ? 'begins' : duration === null ? cleanText(name) : `after ${cleanText(name)}`;
  return stalled ? `stalled, ${step}` : step;
}

function endedLines(runs: readonly RunRow[], { columns, paint, filter }: ViewSettings): string[] {
  if (runs.length === 0)
    return [
      paint(
        'quiet',
        fitText(filter === '' ? 'No run has ended yet.' : 'No such run has just ended.', columns),
      ),
    ];
  const outcome = ({ outcome, error_type: error }: RunRow) =>
    [outcome ?? 'unknown', error].filter(Boolean).join(' ');
  const look = (run: RunRow, text: string) => paint(outcomeStyle(run.outcome).look, text);
  return tableLines<RunRow>(
    runs,
    [
      {
        title: 'chain',
        text: (run) => `${outcomeStyle(run.outcome).mark} ${cleanText(run.chain)}`,
        rank: 0,
        most: 24,
        paint: look,
      },
      { title: 'vCon', text: ({ vcon }) => cleanText(vcon ?? '?').slice(0, 8), rank: 2 },
      { title: 'outcome', text: (run) => cleanText(outcome(run)), rank: 1, most: 40, paint: look },
      {
        title: 'took',
        text: ({ duration }) => (duration === null ? '–' : formatDuration(duration)),
        rank: 0,
        align: 'right',
      },
    ],
    columns,
    (text) => paint('quiet', text),
  );
}

function count(value: number): string {
  return value.toLocaleString('en');
}
