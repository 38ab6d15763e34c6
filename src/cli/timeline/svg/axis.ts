import type { Columns, Span } from './layout.ts';
import { element, escaped, type Markup, short, widthOf } from './markup.ts';
import type { TimeScale } from './time-scale.ts';

const LABEL_SIZE = 10.5;
const LABEL_ABOVE = 7;

/** The lines of a scale from `top` to `bottom`, with as many labels as there is room for; breaks come first. */
export function axis(scale: TimeScale, { bars }: Columns, top: number, bottom: number): Markup[] {
  const taken: Span[] = [];
  const label = (x: number, of: string): Markup[] => {
    const half = widthOf(of, LABEL_SIZE) / 2 + 3;
    if (taken.some(({ left, right }) => x - half < right && x + half > left)) return [];
    taken.push({ left: x - half, right: x + half });
    return [element('text', { class: 'axis', x, y: top - LABEL_ABOVE }, [escaped(of)])];
  };
  const breaks = scale.breaks.map(({ x, width, label: wait }) =>
    element('g', {}, [
      element('title', {}, [escaped(`${wait} without any of these runs`)]),
      element('path', {
        class: 'break',
        d: `M${short(bars + x)} ${short(top)}V${short(bottom)}h${short(width)}V${short(top)}Z`,
      }),
      ...label(bars + x + width / 2, `${wait} later`),
    ]),
  );
  const ticks = scale.ticks.flatMap(({ x, label: time }) => [
    element('line', { class: 'grid', x1: bars + x, x2: bars + x, y1: top, y2: bottom }),
    ...label(bars + x, time),
  ]);
  return [...ticks, ...breaks];
}
