import { useState } from 'preact/hooks';
import { number } from './format.js';
import { html } from './html.js';
import { useAnswer } from './use.js';

/** From when on events are replayed: names, and milliseconds before now; empty for all that the journal keeps. */
const FROM = [
  ['900000', 'the last 15 minutes'],
  ['3600000', 'the last hour'],
  ['21600000', 'the last 6 hours'],
  ['', 'all that the journal keeps'],
];

/** Which events a tracer is to hear again, and how many these are. @param {{ tracer: string, choose: (aim: object) => void }} properties */
export function ReplayChoice({ tracer, choose }) {
  const [{ from, vcon, since }, setChoice] = useState({ from: '', vcon: '' });
  const change = (part) => {
    const next = { from, vcon, since, ...part };
    if (part.from !== undefined) next.since = part.from ? Date.now() - Number(part.from) : undefined;
    setChoice(next);
    choose({ ...(next.since && { since: next.since }), ...(next.vcon && { vcon: next.vcon }) });
  };
  const query = new URLSearchParams({ tracer, ...(since && { since }), ...(vcon && { vcon }) });
  const { value, error } = useAnswer(`./api/plan?${query}`);
  return html`<p>The tracer hears them once more: one that is no ledger may do again what it did.</p>
    <label>Events of<select value=${from} onChange=${({ target }) => change({ from: target.value })}>${FROM.map(
      ([millis, title]) => html`<option key=${millis} value=${millis}>${title}</option>`,
    )}</select></label>
    <label>only of the vCon (uuid)<input value=${vcon} autocomplete="off" spellcheck=${false}
      onChange=${({ target }) => change({ vcon: target.value.trim() })} /></label>
    <p role="status">${
      error ??
      (value
        ? `${number(value.events)} events would be heard again${value.waiting > 0 ? `; ${number(value.waiting)} more wait anyway` : ''}.`
        : 'Counting …')
    }</p>`;
}
