import { useMemo } from 'preact/hooks';
import { Copy } from './copy.js';
import { now, state } from './feed.js';
import { duration, isoTime, time } from './format.js';
import { HeardSummary } from './heard.js';
import { html } from './html.js';
import { Outcome } from './outcome.js';
import { useAnswer, useFeed, useTicks } from './use.js';
import { Waterfall } from './waterfall.js';

/** One run, as it happens and afterwards. */
export function Run({ parts: [id = ''] }) {
  useFeed();
  const row = state.open.get(id);
  const ended = state.ended.find((run) => run.id === id);
  // Asked again when something has become known of it; what tracers hear comes some moments later.
  useTicks(500);
  const [run, error] = useRun(id, row, ended);
  if (!run) {
    const why = error
      ? html`<p class="problem" role="alert">${error}</p>`
      : html`<p class="empty">Looking for the run …</p>`;
    return html`<h1>Run <code>${id}</code></h1>${why}`;
  }
  const isOpen = run.duration === null && !run.lost;
  const age = Math.max(0, (now() - run.start) / 1e3);
  return html`
    <div class="title">
      <h1>${run.chain}</h1>
      <${Outcome} of=${run.lost ? 'unknown' : run.outcome} detail=${run.error_type} />
      <span class="took">${duration(isOpen ? age : run.duration)}</span>
      <span class="started">began <time datetime=${isoTime(run.start)} title=${isoTime(run.start)}>${time(run.start)}</time></span>
    </div>
    <dl class="facts">
      <${Fact} name="vCon">${
        run.vcon
          ? html`<a href=${`#/vcon/${encodeURIComponent(run.vcon)}`}><code>${run.vcon}</code></a> <${Copy} text=${run.vcon} what="the uuid" />`
          : 'not known'
      }<//>
      ${
        run.out_vcon && run.out_vcon !== run.vcon
          ? html`<${Fact} name="left as"><a href=${`#/vcon/${encodeURIComponent(run.out_vcon)}`}><code>${run.out_vcon}</code></a> <${Copy} text=${run.out_vcon} what="the uuid" /><//>`
          : null
      }
      <${Fact} name="run"><code>${run.id}</code> <${Copy} text=${run.id} what="the id of the run" /><//>
      <${Fact} name="trace">${run.trace_urls.map(
        ({ name, url }) => html`<a key=${name} href=${url} rel="noreferrer">${name} ↗</a> `,
      )}<code>${run.trace_id}</code> <${Copy} text=${run.trace_id} what="the id of the trace" /><//>
      ${
        run.queued_by.length > 0
          ? html`<${Fact} name="queued by">${run.queued_by.map(
              (by) => html`<a key=${by.id} href=${`#/run/${by.id}`}><code>${by.id}</code></a> `,
            )}<//>`
          : null
      }
      ${run.sender ? html`<${Fact} name="told by">${run.sender}<//>` : null}
      ${run.inferred.length > 0 ? html`<${Fact} name="concluded">${run.inferred.join(', ')}<//>` : null}
      ${run.late > 0 ? html`<${Fact} name="late">${run.late} came when it was over<//>` : null}
    </dl>
    <section aria-labelledby="steps-title"><${Waterfall} run=${run} age=${age} isOpen=${isOpen} /></section>
    <section aria-labelledby="heard-title"><h2 id="heard-title">Heard by tracers</h2><${HeardSummary} run=${run} /></section>`;
}

function Fact({ name, children }) {
  return html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
}

/** Milliseconds after the last change for which tracers may still hear something. */
const SETTLED = 10_000;

/** @returns {[run: any, error: string | undefined]} */
function useRun(id, row, ended) {
  const changed = useMemo(() => Date.now(), [row, ended]);
  const isSettling = row || Date.now() - changed < SETTLED;
  const again = isSettling ? `${changed} ${Math.floor(Date.now() / 1_000)}` : changed;
  const { value, error } = useAnswer(`./api/run?id=${encodeURIComponent(id)}`, again);
  return [value, error];
}
