import { scaleOf } from './bar.js';
import { Chains, totals } from './chains.js';
import { now, state } from './feed.js';
import { duration, number, roundUp } from './format.js';
import { html } from './html.js';
import { RunList } from './run-list.js';
import { useFeed, useTicks } from './use.js';

/** What the chains do at this moment. */
export function Now() {
  useFeed();
  useTicks(100);
  const usual = new Map(state.chains.map(({ chain, p99 }) => [chain, p99]));
  const usualOf = (chain) => usual.get(chain) ?? null;
  const open = [...state.open.values()].sort((a, b) => a.start - b.start);
  const ages = open.map(({ start }) => Math.max(0, (now() - start) / 1e3));
  const scale = roundUp(Math.max(1, scaleOf(ages), ...open.map(({ chain }) => (usualOf(chain) ?? 0) * 1.05)));
  const endedScale = roundUp(scaleOf(state.ended.map(({ duration: took }) => took ?? 0)) || 1);
  return html`
    <h1 class="visually-hidden">Now</h1>
    <${Summary} />
    <${Troubles} />
    <section aria-labelledby="chains-title"><h2 id="chains-title">Chains</h2><${Chains} /></section>
    <div class="beside">
      <section aria-labelledby="running-title">
        <${ListHead} id="running-title" title="Running" note="oldest first" scale=${scale} usual />
        <${RunList} runs=${open} scale=${scale} usualOf=${usualOf} label="Runs under way, oldest first"
          empty="No run is under way at this moment." />
        ${
          state.running > open.length
            ? html`<p class="empty">${number(state.running - open.length)} more run, the newest.</p>`
            : null
        }
      </section>
      <section aria-labelledby="ended-title">
        <${ListHead} id="ended-title" title="Just ended" note="newest first" scale=${endedScale} />
        <${RunList} runs=${state.ended} scale=${endedScale} label="Runs that have just ended, newest first"
          empty="No run has ended since the service started." />
      </section>
    </div>`;
}

function ListHead({ id, title, note, scale, usual }) {
  return html`<div class="list-head">
    <h2 id=${id}>${title} <small>${note}</small></h2>
    <span class="axis" aria-hidden="true"><span>0</span>${
      usual ? html`<span class="key"><i class="usual"></i> p99 of its chain</span>` : null
    }<span>${duration(scale)}</span></span>
  </div>`;
}

function Summary() {
  const minute = state.chains.reduce((all, { per_minute: ended }) => all + ended, 0);
  const [, halted, error] = totals(state.chains.flatMap(({ past }) => [...past.values()]));
  const minutes = Math.round((state.steps * state.step) / 60_000);
  return html`<dl class="summary">
    <${Figure} name="running" value=${state.running} kind="running" />
    <${Figure} name="stalled" note="longer than p99" value=${state.stalled} kind=${state.stalled ? 'halt' : ''} />
    <${Figure} name="ended" note="last minute" value=${minute} />
    <${Figure} name="errors" note=${`last ${minutes} min`} value=${error} kind=${error ? 'error' : ''} />
    <${Figure} name="halted" note=${`last ${minutes} min`} value=${halted} kind=${halted ? 'halt' : ''} />
  </dl>`;
}

function Figure({ name, note, value, kind = '' }) {
  return html`<div class=${`figure ${kind}`}><dt>${name}${note ? html` <small>${note}</small>` : null}</dt><dd>${number(value)}</dd></div>`;
}

/** What somebody should look at. */
export function Troubles() {
  if (state.troubles.length === 0) return null;
  return html`<ul class="troubles" aria-label="Troubles">${state.troubles.map(
    (trouble) => html`<li key=${trouble}><span aria-hidden="true">▲</span> ${trouble}</li>`,
  )}</ul>`;
}
