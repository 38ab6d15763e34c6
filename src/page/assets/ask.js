/**
 * Asks the service.
 * @param {string} address @param {RequestInit} [init]
 * @throws Error with a sentence for a person
 */
export async function ask(address, init) {
  const answer = await fetch(address, init).catch(() => undefined);
  if (!answer) throw new Error('the service does not answer');
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error ?? `the service answered ${answer.status}`);
  return body;
}

/** Has the service do something. @param {string} address @param {object} body @throws as {@link ask} */
export function post(address, body) {
  const headers = { 'content-type': 'application/json' };
  return ask(address, { method: 'POST', headers, body: JSON.stringify(body) });
}
