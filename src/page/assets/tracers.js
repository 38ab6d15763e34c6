import { useState } from 'preact/hooks';
import { state } from './feed.js';
import { duration, number, rate, shortUuid, time } from './format.js';
import { html } from './html.js';
import { Troubles } from './now.js';
import { Outcome } from './outcome.js';
import { useAnswer, useFeed } from './use.js';

/** How each tracer keeps up, and what it has not taken. */
export function Tracers() {
  useFeed();
  const { value: places } = useAnswer('./api/places', Math.floor(Date.now() / 5_000));
  const placeOf = new Map((places?.places ?? []).map((place) => [place.tracer, place]));
  return html`<h1 class="visually-hidden">Tracers</h1>
    <${Troubles} />
    <section aria-labelledby="tracers-title"><h2 id="tracers-title">Tracers</h2>
    ${
      state.tracers.length === 0
        ? html`<p class="empty">The configuration names no tracer.</p>`
        : html`<div class="scroll" tabindex="0" role="group" aria-label="Tracers"><table class="tracers">
      <thead><tr><th scope="col">Tracer</th><th scope="col">Circuit</th><th scope="col" class="n">Hears</th>
        <th scope="col" class="n">Position</th><th scope="col" class="n">Behind</th><th scope="col" class="n">Oldest</th>
        <th scope="col" class="n">Heard</th><th scope="col" class="n">Retried</th><th scope="col" class="n">Retrying</th>
        <th scope="col" class="n">Dropped</th><th scope="col" class="n">Dead letters</th></tr></thead>
      <tbody>${state.tracers.map((tracer) => html`<${TracerLine} key=${tracer.name} tracer=${tracer} position=${placeOf.get(tracer.name)?.position} />`)}</tbody>
    </table></div>`
    }</section>
    ${state.tracers
      .filter(({ dead_letters: dead }) => dead > 0)
      .map((tracer) => html`<${DeadLetters} key=${tracer.name} tracer=${tracer} />`)}`;
}

function TracerLine({ tracer, position }) {
  const late = tracer.oldest_age > 60;
  return html`<tr>
    <th scope="row">${tracer.name}</th>
    <td><${Outcome} of=${tracer.circuit} /></td>
    <td class="n">${rate(tracer.rate)}</td>
    <td class="n">${position === undefined ? '–' : number(position)}</td>
    <td class="n">${number(tracer.pending)}</td>
    <td class=${`n ${late ? 'halt' : ''}`}>${tracer.pending === 0 ? '–' : duration(tracer.oldest_age)}</td>
    <td class="n">${number(tracer.ok)}</td>
    <td class="n">${number(tracer.retried)}</td>
    <td class=${`n ${tracer.retrying ? 'halt' : ''}`}>${number(tracer.retrying)}</td>
    <td class=${`n ${tracer.dropped ? 'error' : ''}`}>${number(tracer.dropped)}</td>
    <td class=${`n ${tracer.dead_letters ? 'error' : ''}`}>${number(tracer.dead_letters)}</td>
  </tr>`;
}

/** What a tracer was given and has not taken, and why. */
function DeadLetters({ tracer: { name, dead_letters: count } }) {
  const [isOpen, setOpen] = useState(true);
  const { value, error } = useAnswer(
    isOpen ? `./api/dead?tracer=${encodeURIComponent(name)}` : undefined,
    count,
  );
  const letters = value?.letters ?? [];
  return html`<section><div class="list-head"><h2>Dead letters of ${name} <small>${number(count)}, newest first</small></h2>
    <button type="button" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>${isOpen ? 'hide' : 'show'}</button></div>
    ${error ? html`<p class="problem" role="alert">${error}</p>` : null}
    ${
      isOpen && letters.length > 0
        ? html`<div class="scroll" tabindex="0" role="group" aria-label=${`Dead letters of ${name}`}><table>
      <thead><tr><th scope="col">When</th><th scope="col">Chain</th><th scope="col">Event</th><th scope="col">vCon</th>
        <th scope="col">Why</th><th scope="col" class="n">Attempts</th></tr></thead>
      <tbody>${letters.map(
        (
          letter,
        ) => html`<tr key=${letter.event_id}><td><a href=${`#/run/${letter.run}`} data-row>${time(letter.time)}</a></td>
          <td>${letter.chain}</td><td>${letter.event}${letter.subject ? ` ${letter.subject}` : ''}</td>
          <td><a href=${`#/vcon/${encodeURIComponent(letter.vcon)}`}><code>${shortUuid(letter.vcon)}</code></a></td>
          <td><span class="outcome error"><span class="shape" aria-hidden="true">✕</span>${letter.error_type ?? 'answered false'}</span></td>
          <td class="n">${number(letter.attempts)}</td></tr>`,
      )}</tbody></table></div>`
        : null
    }</section>`;
}
