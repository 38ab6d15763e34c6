import type { TimelineRun } from '../timeline-run.ts';
import { columnsFor, USUAL_WIDTH } from './layout.ts';
import { element, escaped, type Markup } from './markup.ts';
import { styleSheet } from './palette.ts';
import { describe } from './run-heading.ts';
import { vconCard } from './vcon-card.ts';
import { groupByVcon } from './vcon-runs.ts';

const BETWEEN_CARDS = 16;

/**
 * Draws runs as one SVG document, light or dark like the reader's system: a card for each vCon's way through its chains.
 * It contains no script, loads nothing, and is the same for the same runs.
 * @param width in pixels; where that is little, as on a phone, bars are below the names
 */
export function drawRuns(runs: readonly TimelineRun[], width = USUAL_WIDTH): string {
  const groups = groupByVcon(runs);
  const columns = columnsFor(runs, width);
  const cards: Markup[] = [];
  let top = 0;
  for (const group of groups) {
    const { height, markup } = vconCard(group, columns);
    cards.push(element('g', { transform: `translate(0 ${top})` }, [markup]));
    top += height + BETWEEN_CARDS;
  }
  const height = Math.max(1, top - BETWEEN_CARDS);
  const name = `Timeline of ${runs.length === 1 ? '1 run' : `${runs.length} runs`}`;
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': name,
  };
  const document = element('svg', attributes, [
    element('title', {}, [escaped(name)]),
    element('desc', {}, [escaped(groups.flat().map(describe).join('. '))]),
    element('style', {}, [escaped(styleSheet())]),
    ...cards,
  ]);
  return `${document}\n`;
}
