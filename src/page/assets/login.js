import { useState } from 'preact/hooks';
import { html } from './html.js';

/** Asks for the token, which goes to the service once and is kept nowhere here: from then on a cookie lets the browser in. */
export function Login() {
  const [error, setError] = useState('');
  const enter = async (event) => {
    event.preventDefault();
    const token = event.currentTarget.elements.token.value;
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch('./api/session', { method: 'POST', headers }).catch(() => undefined);
    if (answer?.ok) location.reload();
    else
      setError(answer?.status === 401 ? 'This is not the token.' : 'The service does not answer: try again.');
  };
  return html`<main class="login">
    <form onSubmit=${enter}>
      <h1>vcon-otel</h1>
      <p>This service asks for its token (<code>admin.token</code> of its configuration).</p>
      <label for="token">Token</label>
      <input id="token" name="token" type="password" autocomplete="current-password" required autofocus
        aria-describedby="token-error" />
      <p id="token-error" class="error" role="alert">${error}</p>
      <button type="submit">Enter</button>
    </form>
  </main>`;
}
