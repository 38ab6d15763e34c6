import type { TimelineRun } from '../timeline-run.ts';
import { columnsFor, WIDTH } from './layout.ts';
import { element, type Markup, text } from './markup.ts';
import { styleSheet } from './palette.ts';
import { describe } from './run-head.ts';
import { storiesOf } from './stories.ts';
import { storyCard } from './story-card.ts';

const BETWEEN_CARDS = 16;

/**
 * Draws runs as one SVG document, light or dark as the reader's system is: a card for each vCon's way through its chains.
 * There is no script in it, it loads nothing, and it is the same for the same runs.
 */
export function drawRuns(runs: readonly TimelineRun[]): string {
  const stories = storiesOf(runs);
  const columns = columnsFor(runs);
  const cards: Markup[] = [];
  let top = 0;
  for (const story of stories) {
    const { height, markup } = storyCard(story, columns);
    cards.push(element('g', { transform: `translate(0 ${top})` }, [markup]));
    top += height + BETWEEN_CARDS;
  }
  const height = Math.max(1, top - BETWEEN_CARDS);
  const name = `Timeline of ${runs.length === 1 ? '1 run' : `${runs.length} runs`}`;
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    width: WIDTH,
    height,
    viewBox: `0 0 ${WIDTH} ${height}`,
    role: 'img',
    'aria-label': name,
  };
  const document = element('svg', attributes, [
    element('title', {}, [text(name)]),
    element('desc', {}, [text(stories.flat().map(describe).join('. '))]),
    element('style', {}, [text(styleSheet())]),
    ...cards,
  ]);
  return `${document}\n`;
}
