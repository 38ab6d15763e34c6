import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { listen, state } from './feed.js';
import { html } from './html.js';
import { Keys } from './keys.js';
import { Ledger } from './ledger.js';
import { Login } from './login.js';
import { Now } from './now.js';
import { Run } from './run.js';
import { Search } from './search.js';
import { Tracers } from './tracers.js';
import { useFeed } from './use.js';
import { Vcon } from './vcon.js';

/** Each view by the beginning of its address, which follows the `#`. */
const VIEWS = { '': Now, run: Run, vcon: Vcon, tracers: Tracers, ledger: Ledger, search: Search };
const TABS = [
  ['', 'Now'],
  ['tracers', 'Tracers'],
  ['ledger', 'Ledger'],
  ['search', 'Search'],
];

function addressNow() {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [name = '', ...rest] = path.split('/').map(decoded);
  return { name, rest, query: new URLSearchParams(query) };
}

/** As it is, where it is not encoded: an address can be typed, or cut short on its way. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function Page() {
  const [address, setAddress] = useState(addressNow);
  const [isRefused, setRefused] = useState(false);
  useEffect(() => {
    const go = () => setAddress(addressNow());
    addEventListener('hashchange', go);
    listen(() => setRefused(true));
    return () => removeEventListener('hashchange', go);
  }, []);
  useEffect(() => {
    document.title = `${[address.name || 'now', address.rest[0]?.slice(0, 8)].filter(Boolean).join(' ')} · vcon-otel`;
    scrollTo(0, 0);
  }, [address]);
  if (isRefused) return html`<${Login} />`;
  const View = Object.hasOwn(VIEWS, address.name) ? VIEWS[address.name] : Nowhere;
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <${Head} address=${address} />
    <main id="main" tabindex="-1"><${View} key=${address.rest.join('/')} parts=${address.rest} query=${address.query} /></main>
    <${Keys} />`;
}

/** The address is that of the view: it stays. */
function skip(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function Head({ address }) {
  useFeed();
  return html`<header>
    <a class="brand" href="#/"><img src="./page/icon.svg" alt="" width="22" height="22" /> <b>vcon-otel</b>${
      state.service ? html` <span class="service">${state.service}</span>` : null
    }</a>
    <nav aria-label="Views">${TABS.map(
      ([name, title]) =>
        html`<a key=${name} href=${`#/${name}`} aria-current=${address.name === name ? 'page' : undefined}>${title}</a>`,
    )}</nav>
    <form class="find" role="search" onSubmit=${find}>
      <input id="find" name="uuid" type="search" placeholder="uuid of a vCon, or of a run" aria-label="Find a vCon or a run by its id"
        autocomplete="off" spellcheck=${false} /><kbd aria-hidden="true">/</kbd>
    </form>
    <span class=${`connection ${state.live ? 'live' : 'cut'}`} role="status"><span aria-hidden="true">${state.live ? '●' : '○'}</span> ${
      state.live ? 'live' : state.ready ? 'cut off, trying again' : 'connecting'
    }</span>
  </header>`;
}

/** 16 digits are a run's id, a whole uuid is a vCon's; of anything else, vCons are searched whose uuids begin so. */
function find(event) {
  event.preventDefault();
  const input = event.currentTarget.elements.uuid;
  const text = input.value.trim();
  if (text === '') return;
  if (/^[0-9a-f]{16}$/i.test(text)) location.hash = `#/run/${text.toLowerCase()}`;
  else if (text.length >= 32) location.hash = `#/vcon/${encodeURIComponent(text)}`;
  else location.hash = `#/search?vcon=${encodeURIComponent(text)}`;
  input.value = '';
  input.blur();
}

function Nowhere() {
  return html`<h1>There is no such view</h1><p><a href="#/">What the chains do now</a></p>`;
}

render(html`<${Page} />`, document.body);
