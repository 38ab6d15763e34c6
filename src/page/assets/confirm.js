import { useEffect, useRef, useState } from 'preact/hooks';
import { post } from './ask.js';
import { html } from './html.js';

/** Who somebody has said to be, while the page is there. */
let actor = '';

/**
 * Asks whether something is to be done, and by whom; says what became of it.
 * @param {{ deed: null | { title: string, text: any, button: string, address: string, body: object, said: (value: any) => any }, close: () => void }} properties
 * `deed`: what is to be confirmed; null for nothing
 */
export function Confirm({ deed, close }) {
  const dialog = useRef(null);
  const [became, setBecame] = useState({});
  useEffect(() => {
    if (!deed) return;
    setBecame({});
    dialog.current.showModal();
  }, [deed]);
  const submit = async (event) => {
    event.preventDefault();
    actor = event.currentTarget.elements.actor.value.trim();
    setBecame({ isUnderWay: true });
    const done = post(deed.address, { ...deed.body, actor });
    setBecame(
      await done.then(
        (value) => ({ value }),
        (error) => ({ error: error.message }),
      ),
    );
  };
  if (!deed) return null;
  const { value, error, isUnderWay } = became;
  return html`<dialog ref=${dialog} class="confirm" aria-labelledby="confirm-title" onClose=${close}>
    <h2 id="confirm-title">${deed.title}</h2>
    ${value ? html`<${Became} value=${value} said=${deed.said} />` : html`<div>${deed.text}</div>`}
    ${error ? html`<p class="problem" role="alert">${error}</p>` : null}
    ${
      value
        ? html`<form method="dialog"><button autofocus>Close</button></form>`
        : html`<form onSubmit=${submit}>
            <label>Who are you? The ledger records it.<input name="actor" required maxlength="256" defaultValue=${actor} autocomplete="username" spellcheck=${false} /></label>
            <div class="buttons"><button type="button" onClick=${() => dialog.current.close()}>Cancel</button>
            <button class="do" disabled=${isUnderWay}>${isUnderWay ? '…' : deed.button}</button></div>
          </form>`
    }
  </dialog>`;
}

function Became({ value, said }) {
  return html`<p role="status">${said(value)}</p>
    ${value.unrecorded.map((sentence) => html`<p key=${sentence} class="problem">${sentence}</p>`)}`;
}
