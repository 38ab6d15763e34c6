import { state } from './feed.js';
import { html } from './html.js';
import { useAnswer, useFeed } from './use.js';
import { FoundRuns } from './vcon.js';

const OUTCOMES = ['complete', 'halted', 'error', 'unknown', 'running'];
/** Names of the last times, and how long these are in milliseconds. */
const TIMES = [
  ['', 'any time'],
  ['900000', 'last 15 minutes'],
  ['3600000', 'last hour'],
  ['21600000', 'last 6 hours'],
  ['86400000', 'last day'],
];

/** Looks for runs that the journal keeps. What is looked for is in the address, so that it can be shared. */
export function Search({ query }) {
  useFeed();
  const given = Object.fromEntries(query);
  const asked = query.toString();
  const { value, error } = useAnswer(addressOf(given, asked), asked);
  const submit = (event) => {
    event.preventDefault();
    const filled = [...new FormData(event.currentTarget)].filter(([, text]) => text !== '');
    location.hash = `#/search?${new URLSearchParams(filled)}`;
  };
  const chains = [
    ...new Set([...state.chains.map(({ chain }) => chain), ...(given.chain ? [given.chain] : [])]),
  ].sort();
  return html`<h1 class="visually-hidden">Search</h1>
    <form class="search" onSubmit=${submit} key=${asked}>
      <${Choice} name="chain" label="Chain" given=${given.chain} options=${[['', 'any'], ...chains.map((chain) => [chain, chain])]} />
      <${Choice} name="outcome" label="Outcome" given=${given.outcome} options=${[['', 'any'], ...OUTCOMES.map((one) => [one, one])]} />
      <${Choice} name="last" label="Began" given=${given.last} options=${TIMES} />
      <${Text} name="step" label="Link or storage" given=${given.step} />
      <${Text} name="error" label="Error type" given=${given.error} />
      <${Text} name="vcon" label="uuid begins" given=${given.vcon} />
      <button type="submit">Search</button>
    </form>
    ${error ? html`<p class="problem" role="alert">${error}</p>` : null}
    <${FoundRuns} runs=${value?.runs ?? []} older=${value?.older} isThere=${value !== undefined}
      title="Found" label="Runs that were found, newest first" empty="No run of the journal is like this." />`;
}

function addressOf({ last, ...given }, asked) {
  const since = last ? { since: `${Date.now() - Number(last)}` } : {};
  return asked === addressed.asked
    ? addressed.address
    : Object.assign(addressed, {
        asked,
        address: `./api/search?${new URLSearchParams({ ...given, ...since })}`,
      }).address;
}

/** One address for what is asked, whatever time it is by now. */
const addressed = { asked: undefined, address: '' };

function Choice({ name, label, given = '', options }) {
  return html`<label>${label}<select name=${name}>${options.map(
    ([value, title]) =>
      html`<option key=${value} value=${value} selected=${value === given}>${title}</option>`,
  )}</select></label>`;
}

function Text({ name, label, given = '' }) {
  return html`<label>${label}<input name=${name} defaultValue=${given} autocomplete="off" spellcheck=${false} /></label>`;
}
