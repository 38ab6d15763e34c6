import { useState } from 'preact/hooks';
import { state } from './feed.js';
import { number, shortUuid, time } from './format.js';
import { html } from './html.js';
import { useAnswer } from './use.js';

/** What can be done with dead letters, and how that is told. */
const WAYS = {
  retry: ['Retry', 'is to hear them again, with all attempts before them', 'queued again'],
  skip: ['Skip', 'is never to hear them', 'skipped'],
};

/** @param {'retry' | 'skip'} way @param {string[]} [events] ids; absent: all */
function deedOf(way, tracer, count, events) {
  const [button, meaning, done] = WAYS[way];
  return {
    title: `${button} ${number(count)} dead ${count === 1 ? 'letter' : 'letters'} of ${tracer}`,
    text: html`<p>The tracer ${meaning}.</p>`,
    button,
    address: `./api/${way}`,
    body: { tracer, ...(events && { events }) },
    said: ({ changed, left }) =>
      `${number(changed)} ${changed === 1 ? 'event' : 'events'} ${done}${left > 0 ? `, ${number(left)} left alone` : ''}.`,
  };
}

/** What a tracer was given and has not taken, and why. @param {{ tracer: any, confirm: (deed: object) => void }} properties */
export function DeadLetters({ tracer: { name, dead_letters: count }, confirm }) {
  const [isOpen, setOpen] = useState(true);
  const { value, error } = useAnswer(
    isOpen ? `./api/dead?tracer=${encodeURIComponent(name)}` : undefined,
    count,
  );
  const letters = value?.letters ?? [];
  const all = (way) => confirm(deedOf(way, name, count));
  return html`<section><div class="list-head"><h2>Dead letters of ${name} <small>${number(count)}, newest first</small></h2>
    <span class="buttons">${
      state.actions
        ? html`<button type="button" onClick=${() => all('retry')}>Retry all …</button><button type="button" onClick=${() => all('skip')}>Skip all …</button>`
        : null
    }<button type="button" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>${isOpen ? 'hide' : 'show'}</button></span></div>
    ${error ? html`<p class="problem" role="alert">${error}</p>` : null}
    ${
      isOpen && letters.length > 0
        ? html`<div class="scroll" tabindex="0" role="group" aria-label=${`Dead letters of ${name}`}><table>
      <thead><tr><th scope="col">When</th><th scope="col">Chain</th><th scope="col">Event</th><th scope="col">vCon</th>
        <th scope="col">Why</th><th scope="col" class="n">Attempts</th>${state.actions ? html`<th scope="col">Do</th>` : null}</tr></thead>
      <tbody>${letters.map((letter) => html`<${Letter} key=${letter.event_id} letter=${letter} tracer=${name} confirm=${confirm} />`)}</tbody></table></div>`
        : null
    }</section>`;
}

function Letter({ letter, tracer, confirm }) {
  const one = (way) => () => confirm(deedOf(way, tracer, 1, [letter.event_id]));
  const what = `${letter.event}${letter.subject ? ` ${letter.subject}` : ''}`;
  return html`<tr><td><a href=${`#/run/${letter.run}`} data-row>${time(letter.time)}</a></td>
    <td>${letter.chain}</td><td>${what}</td>
    <td><a href=${`#/vcon/${encodeURIComponent(letter.vcon)}`}><code>${shortUuid(letter.vcon)}</code></a></td>
    <td><span class="outcome error"><span class="shape" aria-hidden="true">✕</span>${letter.error_type ?? 'answered false'}</span></td>
    <td class="n">${number(letter.attempts)}</td>
    ${
      state.actions
        ? html`<td class="buttons"><button type="button" aria-label=${`Retry ${what}`} onClick=${one('retry')}>Retry …</button>
          <button type="button" aria-label=${`Skip ${what}`} onClick=${one('skip')}>Skip …</button></td>`
        : null
    }</tr>`;
}
