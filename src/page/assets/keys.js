import { useEffect, useRef } from 'preact/hooks';
import { html } from './html.js';

const HELP = [
  ['/', 'find a vCon or a run'],
  ['j k', 'the next row, the one before'],
  ['Enter', 'open it'],
  ['n t l s', 'Now, Tracers, Ledger, Search'],
  ['+ − 0', 'zoom a run, and all of it again'],
  ['Esc', 'leave a field, close this'],
  ['?', 'this list'],
];
const VIEW_KEYS = { n: '#/', t: '#/tracers', l: '#/ledger', s: '#/search' };

/** Everything can be reached by keys; `?` lists them. */
export function Keys() {
  const dialog = useRef(null);
  useEffect(() => {
    const press = (event) => {
      if (document.querySelector('dialog[open]')) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.matches?.('input, select, textarea')) {
        if (event.key === 'Escape') event.target.blur();
        return;
      }
      if (event.key === '/') document.getElementById('find')?.focus();
      else if (event.key === '?') dialog.current?.showModal();
      else if (event.key === 'j' || event.key === 'k') move(event.key === 'j' ? 1 : -1);
      else if (VIEW_KEYS[event.key]) location.hash = VIEW_KEYS[event.key];
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  return html`<dialog ref=${dialog} aria-labelledby="keys-title">
    <h2 id="keys-title">Keys</h2>
    <dl class="keys">${HELP.map(
      ([keys, does]) =>
        html`<div key=${keys}><dt>${keys.split(' ').map((key) => html`<kbd key=${key}>${key}</kbd> `)}</dt><dd>${does}</dd></div>`,
    )}</dl>
    <form method="dialog"><button>Close</button></form>
  </dialog>`;
}

function move(by) {
  const rows = [...document.querySelectorAll('[data-row]')];
  const at = rows.indexOf(document.activeElement);
  const next = rows[at === -1 ? (by > 0 ? 0 : rows.length - 1) : at + by];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: 'nearest' });
}
