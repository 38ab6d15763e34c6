import { useState } from 'preact/hooks';
import { Confirm } from './confirm.js';
import { DeadLetters } from './dead-letters.js';
import { state } from './feed.js';
import { duration, number, rate } from './format.js';
import { html } from './html.js';
import { Troubles } from './now.js';
import { Outcome } from './outcome.js';
import { ReplayChoice } from './replay.js';
import { useAnswer, useFeed } from './use.js';

/** How each tracer keeps up, and what it has not taken. */
export function Tracers() {
  useFeed();
  const [deed, confirm] = useState(null);
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
        <th scope="col" class="n">A call takes</th><th scope="col" class="n">Position</th><th scope="col" class="n">Behind</th><th scope="col" class="n">Oldest</th>
        <th scope="col" class="n">Heard</th><th scope="col" class="n">Retried</th><th scope="col" class="n">Retrying</th>
        <th scope="col" class="n">Dropped</th><th scope="col" class="n">Dead letters</th>${state.actions ? html`<th scope="col">Do</th>` : null}</tr></thead>
      <tbody>${state.tracers.map(
        (tracer) =>
          html`<${TracerLine} key=${tracer.name} tracer=${tracer} position=${placeOf.get(tracer.name)?.position} confirm=${confirm} />`,
      )}</tbody>
    </table></div>`
    }
    ${state.actions ? null : html`<p class="empty">To retry, skip and replay here: <code>admin: {actions: true}</code> and a token. <code>vcon-otel queue</code> and <code>replay</code> do it from a terminal.</p>`}</section>
    ${state.tracers
      .filter(({ dead_letters: dead }) => dead > 0)
      .map((tracer) => html`<${DeadLetters} key=${tracer.name} tracer=${tracer} confirm=${confirm} />`)}
    <${Confirm} deed=${deed} close=${() => confirm(null)} />`;
}

function TracerLine({ tracer, position, confirm }) {
  const late = tracer.oldest_age > 60;
  return html`<tr>
    <th scope="row" title=${tracer.name}>${tracer.name}</th>
    <td><${Outcome} of=${tracer.circuit} /></td>
    <td class="n">${rate(tracer.rate)}</td>
    <td class="n">${duration(tracer.latency)}</td>
    <td class="n">${position === undefined ? '–' : number(position)}</td>
    <td class="n">${number(tracer.pending)}</td>
    <td class=${`n ${late ? 'halt' : ''}`}>${tracer.pending === 0 ? '–' : duration(tracer.oldest_age)}</td>
    <td class="n">${number(tracer.ok)}</td>
    <td class="n">${number(tracer.retried)}</td>
    <td class=${`n ${tracer.retrying ? 'halt' : ''}`}>${number(tracer.retrying)}</td>
    <td class=${`n ${tracer.dropped ? 'error' : ''}`}>${number(tracer.dropped)}</td>
    <td class=${`n ${tracer.dead_letters ? 'error' : ''}`}>${number(tracer.dead_letters)}</td>
    ${
      state.actions
        ? html`<td><button type="button" aria-label=${`Replay events to ${tracer.name}`} onClick=${() => confirm(replayOf(tracer.name))}>Replay …</button></td>`
        : null
    }
  </tr>`;
}

/** What is replayed is chosen in the dialog. */
function replayOf(tracer) {
  const body = { tracer };
  const choose = (aim) => {
    body.since = aim.since;
    body.vcon = aim.vcon;
  };
  return {
    title: `Replay events to ${tracer}`,
    text: html`<${ReplayChoice} tracer=${tracer} choose=${choose} />`,
    button: 'Replay',
    address: './api/replay',
    body,
    said: ({ changed, left }) =>
      `${number(changed)} events are queued for ${tracer}${left > 0 ? `; the time was up, and ${number(left)} are not` : ''}.`,
  };
}
