import { useState } from 'preact/hooks';
import { post } from './ask.js';
import { Copy } from './copy.js';
import { now } from './feed.js';
import { duration, isoTime, number, time } from './format.js';
import { html } from './html.js';
import { useAnswer, useFeed, useTicks } from './use.js';

/** How the ledgers stand: what is signed, who else has seen it, and when somebody last looked whether it is sound. */
export function Ledger() {
  useFeed();
  useTicks(1_000);
  const [asked, setAsked] = useState(0);
  const { value, error } = useAnswer('./api/ledgers', `${Math.floor(Date.now() / 2_000)} ${asked}`);
  return html`<h1 class="visually-hidden">Ledger</h1>
    ${error ? html`<p class="problem" role="alert">${error}</p>` : null}
    ${value?.ledgers.length === 0 ? html`<p class="empty">No tracer of this service keeps a ledger (tracers.compliance).</p>` : null}
    ${value?.ledgers.map((ledger) => html`<${One} key=${ledger.tracer} ledger=${ledger} lookAgain=${() => setAsked(asked + 1)} />`)}`;
}

function One({ ledger: { tracer, directory, standing, verification }, lookAgain }) {
  const id = `ledger-${tracer}`;
  return html`<section aria-labelledby=${id}>
    <div class="list-head"><h2 id=${id}>${tracer} <small>${standing?.origin ?? ''}</small></h2></div>
    ${
      standing
        ? html`<${Standing} standing=${standing} />`
        : html`<p class="empty">It is not open in this process: its files in <code>${directory}</code> say how it stands.</p>`
    }
    <${Verified} tracer=${tracer} directory=${directory} of=${verification} lookAgain=${lookAgain} /></section>`;
}

const ago = (millis) => `${duration(Math.max(0, (now() - millis) / 1e3))} ago`;

function Standing({ standing }) {
  const { size, checkpoint, policy, witnesses, quorum, anchor, mirror, key, troubles } = standing;
  const unsigned = size - checkpoint.size;
  const [, name, keyId] = /^(.+)\+([0-9a-f]{8})\+/.exec(key) ?? [];
  return html`
    ${troubles.length > 0 ? html`<ul class="troubles">${troubles.map((one) => html`<li key=${one}><span aria-hidden="true">▲</span> ${one}</li>`)}</ul>` : null}
    <dl class="summary">
      <div class="figure"><dt>records</dt><dd>${number(size)}</dd></div>
      <div class=${`figure ${unsigned > 0 ? '' : 'ok'}`}><dt>signed</dt><dd>${number(checkpoint.size)}</dd></div>
      <div class="figure"><dt>last checkpoint</dt><dd>${checkpoint.time ? ago(checkpoint.time) : 'none'}</dd></div>
      ${quorum ? html`<div class="figure"><dt>${quorum.of} of ${witnesses.length} witnesses</dt><dd>${duration(quorum.age)} ago</dd></div>` : null}
      ${mirror ? html`<div class=${`figure ${mirror.records > 0 ? 'halt' : ''}`}><dt>mirror lacks</dt><dd>${number(mirror.records)}</dd></div>` : null}
    </dl>
    <dl class="facts">
      <div><dt>signed by</dt><dd>${name}, key <code>${keyId}</code> <${Copy} text=${key} what="the verifier key" /></dd></div>
      ${checkpoint.time ? html`<div><dt>at</dt><dd><time datetime=${isoTime(checkpoint.time)}>${isoTime(checkpoint.time)}</time></dd></div>` : null}
      <div><dt>not signed yet</dt><dd>${number(unsigned)}</dd></div>
      <div><dt>kept</dt><dd>${policy}</dd></div>
      <div><dt>anchor</dt><dd>${anchor ? html`<code>${anchor.path}</code>, up to record ${number(anchor.size)}` : 'none'}</dd></div>
      <div><dt>mirror</dt><dd>${mirror ? html`<code>${mirror.place}</code>${mirror.seconds > 0 ? `, behind for ${duration(mirror.seconds)}` : ', has everything that is signed'}` : 'none'}</dd></div>
      ${witnesses.length === 0 ? html`<div><dt>witnesses</dt><dd>none</dd></div>` : null}
    </dl>
    ${witnesses.length > 0 ? html`<${Witnesses} witnesses=${witnesses} />` : null}`;
}

function Witnesses({ witnesses }) {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Witnesses"><table>
    <thead><tr><th scope="col">Witness</th><th scope="col">Cosigned</th><th scope="col">At</th><th scope="col">Now</th></tr></thead>
    <tbody>${witnesses.map(
      ({ name, time: at, answers }) => html`<tr key=${name}><th scope="row">${name}</th>
        <td>${at ? ago(at) : 'never'}</td><td>${at ? isoTime(at) : '–'}</td>
        <td><span class=${`outcome ${answers ? 'ok' : 'halt'}`}><span class="shape" aria-hidden="true">${answers ? '✓' : '↻'}</span>${answers ? 'answers' : 'the last try has failed'}</span></td></tr>`,
    )}</tbody></table></div>`;
}

/** Nobody else is asked what a verification has found: what commands find is told to whoever runs them. */
function Verified({ tracer, directory, of, lookAgain }) {
  const [error, setError] = useState('');
  const begin = () =>
    post('./api/verify', { tracer }).then(lookAgain, ({ message }) => {
      setError(message);
    });
  const isRunning = of?.is === 'running';
  const [head, ...lines] = of?.lines ?? [];
  const kind = of?.verdict === 'intact' ? 'ok' : of?.verdict === 'torn' ? 'halt' : 'error';
  return html`<div class="verification">
    <div class="list-head"><h3>Last verification</h3><button type="button" disabled=${isRunning} onClick=${begin}>${isRunning ? 'Verifying …' : 'Verify now'}</button></div>
    ${error ? html`<p class="problem" role="alert">${error}</p>` : null}
    <div role="status">${
      of === null
        ? html`<p class="empty">Not verified from here since the service started.</p>`
        : isRunning
          ? html`<p>Under way for ${duration((now() - of.since) / 1e3)}: everything is read once.</p>`
          : of.is === 'failed'
            ? html`<p class="problem">${time(of.at)}: ${of.error}</p>`
            : html`<p><span class=${`outcome ${kind}`}>${head}</span> <span class="started">${time(of.at)}, ${ago(of.at)}, in ${duration(of.seconds)}</span></p>
              <pre>${lines.join('\n')}</pre>`
    }</div>
    <p class="empty">The service looks at its own ledger here. On a machine that it cannot write to, with a key that you keep: <code>vcon-otel audit verify ${directory} --key VKEY</code></p></div>`;
}
