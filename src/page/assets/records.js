import { useState } from 'preact/hooks';
import { Confirm } from './confirm.js';
import { number } from './format.js';
import { html } from './html.js';
import { Outcome } from './outcome.js';
import { checkBundle, obstacle } from './proof.js';
import { useAnswer } from './use.js';

/** What the ledgers have of a vCon. */
export function LedgerRecords({ uuid }) {
  const [again, setAgain] = useState(0);
  const { value, error } = useAnswer(`./api/records?uuid=${encodeURIComponent(uuid)}`, again);
  if (error) return html`<p class="problem" role="alert">${error}</p>`;
  if (!value) return html`<p class="empty">Looking into the ledgers …</p>`;
  if (value.ledgers.length === 0) return html`<p class="empty">No tracer of this service keeps a ledger.</p>`;
  return value.ledgers.map(
    (ledger) =>
      html`<${OfLedger} key=${ledger.tracer} ledger=${ledger} uuid=${uuid} lookAgain=${() => setAgain(again + 1)} />`,
  );
}

const KEYS = {
  kept: 'its key is there: content hashes can be checked with a document',
  destroyed: 'its key was destroyed: content hashes say nothing any more',
  none: 'it has no key here: nothing was hashed with one',
};

function OfLedger({ ledger, uuid, lookAgain }) {
  const { tracer, error, bundle, keys, content_key: key } = ledger;
  const [given, setGiven] = useState(null);
  const [checked, setChecked] = useState({});
  const [deed, setDeed] = useState(null);
  const id = `records-${tracer}`;
  if (error)
    return html`<section aria-labelledby=${id}><h2 id=${id}>Ledger of ${tracer}</h2><p class="problem">${error}</p></section>`;
  const trusted = given ?? keys.join('\n');
  // What was found of another bundle says nothing of this one.
  const { result, failed } = checked.bundle === bundle ? checked : {};
  const records = bundle.records.map(({ index, record }) => ({ index, ...JSON.parse(record) }));
  const verify = () =>
    checkBundle(bundle, trusted.split('\n').filter(Boolean)).then(
      (found) => setChecked({ bundle, result: found }),
      ({ message }) => setChecked({ bundle, failed: message }),
    );
  const download = () =>
    setDeed({
      title: 'Download a proof bundle',
      text: html`<p>It has ${number(records.length)} records of this vCon, with proofs, and no key. Whoever has the ledger’s verifier key can check it by <code>audit verify --proof</code>.</p>`,
      button: 'Download',
      address: './api/proof',
      body: { tracer, uuid },
      said: (value) => {
        save(`${uuid}.proof.json`, value.bundle);
        return 'The bundle is downloaded.';
      },
    });
  const why = obstacle();
  return html`<section aria-labelledby=${id}>
    <div class="list-head"><h2 id=${id}>Ledger of ${tracer} <small>${number(records.length)} signed records${
      bundle.unsigned > 0 ? `, ${number(bundle.unsigned)} not signed yet` : ''
    }</small></h2>
      <span class="buttons"><button type="button" onClick=${lookAgain}>Look again</button>
      ${
        records.length > 0
          ? html`<button type="button" disabled=${why} onClick=${verify}>Verify</button><button type="button" onClick=${download}>Download proof …</button>`
          : null
      }</span></div>
    <p class=${key === 'destroyed' ? 'shredded' : 'empty'}>${KEYS[key]}</p>
    ${why ? html`<p class="problem">${why}</p>` : html`<${Checked} result=${result} failed=${failed} records=${records} />`}
    ${records.length > 0 ? html`<${Table} tracer=${tracer} records=${records} result=${result} />` : null}
    ${
      records.length > 0 && !why
        ? html`<label class="keys-given">Verifier keys, one a line. The service has sent them: put those here that you keep elsewhere.
        <textarea rows=${Math.max(1, keys.length)} spellcheck=${false} value=${trusted} onInput=${({
          target,
        }) => {
          setGiven(target.value);
          setChecked({});
        }}></textarea></label>`
        : null
    }
    <${Confirm} deed=${deed} close=${() => setDeed(null)} /></section>`;
}

function Checked({ result, failed, records }) {
  if (failed)
    return html`<p role="status"><span class="outcome error"><span class="shape" aria-hidden="true">✕</span>refused: ${failed}</span></p>`;
  if (!result) return null;
  const { faults, origin, size, by } = result;
  if (faults.size > 0)
    return html`<p role="status"><span class="outcome error"><span class="shape" aria-hidden="true">✕</span>refused: ${number(faults.size)} of ${number(records.length)} records</span></p>`;
  return html`<p role="status" class="verified"><span class="outcome ok"><span class="shape" aria-hidden="true">✓</span>proven</span>${' '}
    ${number(records.length)} records are in the ledger of ${number(size)} records of ${origin}, signed by <code>${by}</code>. This browser has checked it. Only the ledger shows that there are no others.</p>`;
}

function Table({ tracer, records, result }) {
  return html`<div class="scroll records" tabindex="0" role="group" aria-label=${`Records of the ledger of ${tracer}`}><table>
    <thead><tr><th scope="col" class="n">Record</th><th scope="col">Recorded</th><th scope="col">Event</th><th scope="col">What</th><th scope="col">By</th><th scope="col">Proof</th></tr></thead>
    <tbody>${records.map(
      (record) => html`<tr key=${record.index}><th scope="row" class="n">${number(record.index)}</th>
        <td>${record.recorded_at}</td><td>${record.event}</td><td class="names" title=${[record.chain, record.step].filter(Boolean).join(' · ')}>${whatOf(record)}</td><td>${record.actor}</td>
        <td>${proofOf(record, result)}</td></tr>`,
    )}</tbody></table></div>`;
}

/** A receipt is what the tracer was given for the vCon: its id is what whoever gave it knows it by. */
function whatOf({ chain, step, outcome, error_type: error, receipt_id: receipt, tracer }) {
  if (receipt) return html`receipt <code>${receipt}</code> of ${tracer}`;
  const words = [chain, step].filter(Boolean).join(' · ');
  return html`${words} ${outcome ? html`<${Outcome} of=${outcome} detail=${error} />` : null}`;
}

function proofOf({ index }, result) {
  if (!result) return '–';
  const fault = result.faults.get(index);
  return fault
    ? html`<span class="outcome error"><span class="shape" aria-hidden="true">✕</span>${fault}</span>`
    : html`<span class="outcome ok"><span class="shape" aria-hidden="true">✓</span>in the tree</span>`;
}

function save(name, value) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(
    new Blob([`${JSON.stringify(value, null, 2)}\n`], { type: 'application/json' }),
  );
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
