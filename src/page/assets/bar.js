import { html } from './html.js';
import { lookOf } from './outcome.js';

/** A run, drawn small: its steps along a scale. @param {{ run: any, scale: number, age: number, usual?: number | null, stalled?: boolean }} properties */
export function RunBar({ run, scale, age, usual, stalled }) {
  const isOver = run.duration !== null;
  const length = run.duration ?? age;
  const at = (seconds) => `${Math.min(100, (100 * Math.max(0, seconds)) / scale)}%`;
  const kind = isOver ? lookOf(run.outcome)[0] : stalled ? 'stalled' : 'running';
  return html`<span class=${`bar ${kind}${length > scale ? ' beyond' : ''}`} aria-hidden="true">
    ${usual ? html`<span class="usual" style=${{ left: at(usual) }}></span>` : null}
    <span class="whole" style=${{ width: at(length) }}></span>
    ${run.steps.map(([stage, name, start, took, outcome], index) => {
      const end = took === null ? length : start + took;
      const left = Math.min(start, scale);
      const width = Math.max(0, Math.min(end, scale) - left);
      const look = took === null ? (isOver ? 'unknown' : 'now') : lookOf(outcome)[0];
      return html`<span
        key=${`${name}${index}`}
        class=${`mark ${stage} ${look}${index % 2 ? ' odd' : ''}`}
        style=${{ left: at(left), width: at(width) }}
      ></span>`;
    })}
  </span>`;
}

/** A scale on which most of some lengths are to be seen. @param {number[]} lengths seconds */
export function scaleOf(lengths) {
  if (lengths.length === 0) return 1;
  const sorted = [...lengths].sort((a, b) => a - b);
  const most = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.92))];
  // A single one far out is shown as far as it goes.
  return Math.min(sorted.at(-1), most * 1.6);
}
