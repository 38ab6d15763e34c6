import type { Counts } from '../../page/live/chain-pulse.ts';
import { type LiveState, tableLines } from '../live/index.ts';
import { cleanText, fitText, formatDuration } from '../timeline/index.ts';
import { isShown, type ViewSettings } from './view.ts';

type LiveChain = LiveState['chains'][number];

/** Eighths of a cell, and steps of the past that one cell stands for. */
const LEVELS = ' ▁▂▃▄▅▆▇█';
const STEPS_A_CELL = 3;

/** How each chain did in the last minutes. @param most lines for chains */
export function chainLines({ state, columns, paint, filter }: ViewSettings, most: number): string[] {
  const chains = state.chains
    .filter(({ chain }) => isShown(filter, chain))
    .sort((a, b) => a.chain.localeCompare(b.chain));
  if (chains.length === 0)
    return [
      paint('quiet', fitText(filter === '' ? 'No chain has been heard of yet.' : 'No such chain.', columns)),
    ];
  const shown = chains.slice(0, chains.length > most ? most - 1 : most);
  const busiest = Math.max(1, ...chains.flatMap(({ past }) => cellsOf(past)));
  const number = (title: string, of: (chain: LiveChain) => number, rank: number, look?: 'bad' | 'halt') => ({
    title,
    text: (chain: LiveChain) => of(chain).toLocaleString('en'),
    rank,
    align: 'right' as const,
    ...(look && { paint: (chain: LiveChain, text: string) => (of(chain) > 0 ? paint(look, text) : text) }),
  });
  const duration = (title: string, of: (chain: LiveChain) => number | null, rank: number) => ({
    title,
    text: (chain: LiveChain) => durationOrNot(of(chain)),
    rank,
    align: 'right' as const,
  });
  const lines = tableLines<LiveChain>(
    shown,
    [
      { title: 'chain', text: ({ chain }) => cleanText(chain), rank: 0, most: 24 },
      number('running', ({ running }) => running, 1),
      number('/min', (chain) => chain.per_minute, 0),
      duration('median', ({ p50 }) => p50, 3),
      duration('p99', ({ p99 }) => p99, 4),
      number('errors', ({ total }) => total[2], 0, 'bad'),
      number('halted', ({ total }) => total[1], 2, 'halt'),
      {
        title: `last ${Math.round(state.lookback / 60_000)} min`,
        text: ({ past }) =>
          cellsOf(past)
            .map((ended) => levelOf(ended, busiest))
            .join(''),
        rank: 5,
        paint: (_, text) => paint('running', text),
      },
    ],
    columns,
    (text) => paint('quiet', text),
  );
  const left = chains.length - shown.length;
  return left > 0 ? [...lines, paint('quiet', fitText(`… ${left} more chains: / filters`, columns))] : lines;
}

function cellsOf(past: readonly Counts[]): number[] {
  return Array.from({ length: Math.ceil(past.length / STEPS_A_CELL) }, (_, cell) =>
    past
      .slice(cell * STEPS_A_CELL, (cell + 1) * STEPS_A_CELL)
      .flat()
      .reduce((all, count) => all + count, 0),
  );
}

/** The least is seen, too. */
function levelOf(count: number, most: number): string {
  return LEVELS[count === 0 ? 0 : Math.max(1, Math.round((count / most) * (LEVELS.length - 1)))] ?? ' ';
}

function durationOrNot(seconds: number | null): string {
  return seconds === null ? '–' : formatDuration(seconds);
}
