import { duration, number } from './format.js';
import { html } from './html.js';
import { Outcome } from './outcome.js';
import { WaitLane, waitedOf, waitsOf } from './waits.js';

const OVER = new Set(['ok', 'dead', 'skipped', 'dropped']);

/** Seconds from when something happened until a tracer had heard it. */
const latencyOf = ({ time, at, state }) =>
  at === null || !OVER.has(state) ? null : Math.max(0, (at - time) / 1e3);

/** What each tracer has heard of a run, in a line each. */
export function HeardSummary({ run }) {
  if (run.heard === null)
    return html`<p class="empty">The journal is in memory: what tracers heard of a run is not kept.</p>`;
  if (run.heard.length === 0) return html`<p class="empty">No tracer has heard anything of it yet.</p>`;
  const tracers = Map.groupBy(run.heard, ({ tracer }) => tracer);
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Heard by tracers"><table>
    <thead><tr><th scope="col">Tracer</th><th scope="col" class="n">Heard</th><th scope="col" class="n">To hear</th>
      <th scope="col" class="n">Failed</th><th scope="col" class="n">Attempts</th><th scope="col" class="n">Latest after</th></tr></thead>
    <tbody>${[...tracers].map(([tracer, heard]) => {
      const count = (...states) => heard.filter(({ state }) => states.includes(state)).length;
      const failed = count('dead', 'dropped');
      const latencies = heard.map(latencyOf).filter((latency) => latency !== null);
      return html`<tr key=${tracer}><th scope="row">${tracer}</th><td class="n">${number(count('ok', 'skipped'))}</td>
        <td class="n">${number(count('waiting', 'retry', 'queued'))}</td>
        <td class=${`n ${failed ? 'error' : ''}`}>${number(failed)}</td>
        <td class="n">${number(heard.reduce((all, { attempts }) => all + attempts, 0))}</td>
        <td class="n">${latencies.length > 0 ? duration(Math.max(...latencies)) : '–'}</td></tr>`;
    })}</tbody>
  </table></div>`;
}

/** What each tracer has heard of a step, call by call, and how it waited. */
export function HeardList({ heard, run, age, place }) {
  if (heard.length === 0) return html`<p class="empty">No tracer has heard of it.</p>`;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="What tracers heard of this step"><table class="heard">
    <thead><tr><th scope="col">Event</th><th scope="col">Tracer</th><th scope="col">State</th>
      <th scope="col" class="scale">On the same scale</th><th scope="col" class="n">waited</th><th scope="col" class="n">after</th><th scope="col" class="n">took</th><th scope="col" class="n">Attempts</th></tr></thead>
    <tbody>${heard.map((one) => {
      const waits = waitsOf(one, run, age);
      return html`<tr key=${`${one.tracer} ${one.event_id}`}>
        <td>${one.event}</td><th scope="row">${one.tracer}</th>
        <td><${Outcome} of=${one.state} detail=${one.error_type} /></td>
        <td class="scale"><${WaitLane} waits=${waits} place=${place} /></td><td class="n">${duration(waitedOf(waits))}</td>
        <td class="n">${duration(latencyOf(one))}</td><td class="n">${duration(one.duration)}</td><td class="n">${number(one.attempts)}</td>
      </tr>`;
    })}</tbody>
  </table></div>`;
}
