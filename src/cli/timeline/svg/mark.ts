import type { Look } from '../run-words.ts';
import { element, type Markup } from './markup.ts';

/** A tick, a cross, a stop sign or a dotted ring, drawn rather than written, so that no font has to have them. */
export function mark(look: Look, x: number, y: number, { strong = false } = {}): Markup {
  const at = { transform: `translate(${x} ${y})${strong ? ' scale(1.25)' : ''}` };
  if (look === 'success' && !strong)
    return element('path', { ...at, class: 'tick', d: 'M-3.5 .3L-1 2.8 3.7-2.8' });
  if (look === 'unknown')
    return element('circle', { ...at, class: 'ring', r: 4.5, 'stroke-dasharray': '.1 3.44' });
  return element('g', at, [
    element('circle', { class: look, r: 6 }),
    element('path', { class: look === 'halt' ? 'on' : 'sign', d: SIGNS[look] }),
  ]);
}

const SIGNS = {
  success: 'M-2.6 .2L-.8 2 2.7-1.9',
  halt: 'M-2.2-2.2H2.2V2.2H-2.2Z',
  error: 'M-2-2L2 2M2-2L-2 2',
};
