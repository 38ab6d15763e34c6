import { useState } from 'preact/hooks';
import { html } from './html.js';

/** Copies an id. @param {{ text: string, what: string }} properties */
export function Copy({ text, what }) {
  const [is, setIs] = useState('');
  const copy = async () => {
    // Only a secure context has the clipboard.
    const isDone = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    setIs(isDone ? 'copied' : 'select it and copy it by hand');
    setTimeout(() => setIs(''), 2_000);
  };
  return html`<button type="button" class="copy" onClick=${copy} aria-label=${`Copy ${what}`}>${is || 'copy'}</button>`;
}
