import { scaleOf } from './bar.js';
import { Copy } from './copy.js';
import { state } from './feed.js';
import { number, roundUp } from './format.js';
import { html } from './html.js';
import { LedgerRecords } from './records.js';
import { RunList } from './run-list.js';
import { useAnswer, useFeed } from './use.js';

/** All runs of a vCon, through every chain. */
export function Vcon({ parts: [uuid = ''] }) {
  useFeed();
  const here = [...state.open.values(), ...state.ended].filter(({ vcon }) => vcon === uuid);
  const again = here.map(({ id, steps, outcome }) => `${id}${steps.length}${outcome}`).join();
  const { value, error } = useAnswer(`./api/vcon?uuid=${encodeURIComponent(uuid)}`, again);
  const runs = [...(value?.runs ?? [])].sort((a, b) => b.start - a.start);
  return html`<div class="title"><h1>vCon <code>${uuid}</code></h1><${Copy} text=${uuid} what="the uuid" /></div>
    ${error ? html`<p class="problem" role="alert">${error}</p>` : null}
    <${FoundRuns} runs=${runs} older=${value?.older} isThere=${value !== undefined}
      title="Runs" label="Runs of this vCon, newest first" empty="No run of this vCon is kept in the journal, or under way." />
    ${error ? null : html`<${LedgerRecords} uuid=${uuid} />`}`;
}

/** Runs of the past. */
export function FoundRuns({ runs, older, isThere, title, label, empty }) {
  if (!isThere) return null;
  const scale = roundUp(scaleOf(runs.map(({ duration }) => duration ?? 0)) || 1);
  return html`<section aria-labelledby="found-title">
    <div class="list-head"><h2 id="found-title">${title} <small>${number(runs.length)}, newest first</small></h2></div>
    <${RunList} runs=${runs} scale=${scale} label=${label} empty=${empty} at />
    ${older ? html`<p class="empty">There are older ones: give a uuid or a time to find them.</p>` : null}
  </section>`;
}
