/** A colour for light and one for dark backgrounds. */
type Pair = readonly [light: string, dark: string];

const GROUND: Pair = ['#ffffff', '#0d1117'];
const TEXT: Pair = ['#1f2328', '#e6edf3'];
const QUIET: Pair = ['#59636e', '#9198a1'];
const SUCCESS: Pair = ['#1a7f37', '#3fb950'];
const HALT: Pair = ['#9a6700', '#d29922'];
const ERROR: Pair = ['#cf222e', '#f85149'];

const COLOURS: Readonly<Record<string, Readonly<{ fill?: Pair; stroke?: Pair }>>> = {
  '.card': { fill: GROUND, stroke: ['#d1d9e0', '#30363d'] },
  '.grid': { stroke: ['#eaeef2', '#21262d'] },
  '.axis': { fill: QUIET },
  '.break': { fill: ['#f6f8fa', '#161b22'], stroke: ['#c4ccd4', '#3d444d'] },
  '.band': { fill: ['#f3f5f8', '#161b22'] },
  '.thread': { stroke: ['#8c959f', '#6e7681'] },
  '.arrow': { fill: ['#8c959f', '#6e7681'] },
  text: { fill: TEXT },
  '.halo': { stroke: GROUND },
  '.quiet': { fill: QUIET },
  '.on': { fill: GROUND },
  '.success': { fill: SUCCESS },
  '.halt': { fill: HALT },
  '.error': { fill: ERROR },
  '.unknown': { fill: QUIET },
  '.tick': { stroke: SUCCESS },
  '.ring': { stroke: QUIET },
  '.sign': { stroke: GROUND },
  '.chain': { fill: ['#6e7781', '#8b949e'] },
  '.link': { fill: ['#2f6fde', '#4d8ff5'] },
  '.storage': { fill: ['#0e8a7d', '#2bb3a3'] },
  '.other': { fill: ['#afb8c1', '#6e7681'] },
  '.bar.halt': { fill: ['#bf8700', '#d29922'] },
  '.bar.error': { fill: ['#d1242f', '#f85149'] },
};

const SHAPES = [
  // The systems' own fonts: nothing is loaded, since an image may not load anything.
  'text{font:12px -apple-system,BlinkMacSystemFont,Segoe UI,Noto Sans,Helvetica,Arial,sans-serif}',
  '.id{font-family:ui-monospace,SFMono-Regular,SF Mono,Menlo,Consolas,Liberation Mono,monospace}',
  '.id{font-variant-ligatures:none}',
  '.small{font-size:11px}',
  '.large{font-size:14px}',
  '.strong{font-weight:600}',
  '.before,.number{text-anchor:end}',
  '.number{font-variant-numeric:tabular-nums}',
  '.axis{font-size:10.5px;text-anchor:middle}',
  '.halo{stroke-width:4px;stroke-linejoin:round;paint-order:stroke}',
  '.tick,.ring,.sign{fill:none;stroke-width:1.8px;stroke-linecap:round;stroke-linejoin:round}',
  '.small.halo{stroke-width:2.5px}',
  '.thread{fill:none;stroke-width:1.5px}',
  '.grid{stroke-width:1px}',
  '.break{stroke-dasharray:2 3}',
  '.unended{fill-opacity:.4}',
];

/** The style sheet of a picture, for light and, if the reader's system asks for it, dark backgrounds. */
export function styleSheet(): string {
  const colours = (index: 0 | 1) =>
    Object.entries(COLOURS).map(([selector, properties]) => {
      const written = Object.entries(properties).map(([property, pair]) => `${property}:${pair[index]}`);
      return `${selector}{${written.join(';')}}`;
    });
  return [...SHAPES, ...colours(0), '@media (prefers-color-scheme:dark){', ...colours(1), '}'].join('');
}
