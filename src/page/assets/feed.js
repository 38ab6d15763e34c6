import { ask } from './ask.js';

/**
 * What the service says, as it says it: one connection for the whole page. Views read `state` and are drawn again when it changes, once a
 * frame at most. While nobody sees the page it is closed, and costs the service nothing.
 */
export const state = {
  /** Whether the service answers now, and whether it has ever. */
  live: false,
  ready: false,
  service: '',
  /** Whether something can be done here. */
  actions: false,
  /** Milliseconds of a step of the past of a chain, and how many there are. */
  step: 10_000,
  steps: 60,
  running: 0,
  /** Runs under way that take longer than is usual. */
  stalled: 0,
  /** @type {Map<string, any>} runs under way, oldest first */
  open: new Map(),
  /** @type {any[]} runs that have ended, newest first */
  ended: [],
  /** @type {any[]} */
  chains: [],
  /** @type {any[]} */
  tracers: [],
  /** @type {string[]} */
  troubles: [],
};

const MAX_ENDED = 60;
/** By how much the clock of the service is ahead of this one: the least that was seen has the least delay in it. */
let ahead = Number.NEGATIVE_INFINITY;

/** The service's time. */
export const now = () => Date.now() + (Number.isFinite(ahead) ? ahead : 0);

const listeners = new Set();
let isDue = false;

/** @param {() => void} listener @returns {() => void} what ends it */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function changed() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    for (const listener of [...listeners]) listener();
  });
}

function hear(message) {
  ahead = Math.max(ahead, message.now - Date.now());
  for (const id of message.gone ?? []) state.open.delete(id);
  for (const run of message.runs ?? []) {
    if (run.outcome === null && run.duration === null) state.open.set(run.id, run);
    else {
      state.open.delete(run.id);
      state.ended.unshift(run);
    }
  }
  state.ended.length = Math.min(state.ended.length, MAX_ENDED);
  for (const name of ['running', 'stalled', 'tracers'])
    if (message[name] !== undefined) state[name] = message[name];
  if (message.troubles) state.troubles = message.troubles;
  if (message.chains) hearChains(message);
}

/** The last steps of each chain take the place of what was known of them; as time goes on, the oldest go. */
function hearChains({ chains, now: at }) {
  const known = new Map(state.chains.map((chain) => [chain.chain, chain]));
  const step = Math.floor(at / state.step);
  state.chains = chains.map((chain) => {
    const before = known.get(chain.chain);
    const past = new Map(before?.past ?? []);
    for (const [index, counts] of chain.ended.entries())
      past.set(step - chain.ended.length + 1 + index, counts);
    for (const old of past.keys()) if (old <= step - state.steps) past.delete(old);
    return { ...chain, past };
  });
}

/** @type {EventSource | undefined} */
let source;
let onRefused = () => {};

/** @param {() => void} refused is told when the service wants a token */
export function listen(refused) {
  onRefused = refused;
  connect();
  document.addEventListener('visibilitychange', () => (document.hidden ? disconnect() : connect()));
}

function connect() {
  if (source || document.hidden) return;
  source = new EventSource('./api/feed');
  source.addEventListener('snapshot', ({ data }) => {
    const message = JSON.parse(data);
    ahead = Number.NEGATIVE_INFINITY;
    state.open.clear();
    state.ended = [];
    state.chains = [];
    const { service, step, steps } = message;
    Object.assign(state, { service, step, steps, live: true, ready: true });
    hear(message);
    changed();
    learnAbout();
  });
  source.addEventListener('change', ({ data }) => {
    state.live = true;
    hear(JSON.parse(data));
    changed();
  });
  source.addEventListener('error', async () => {
    state.live = false;
    changed();
    // It asks again by itself, unless it was refused.
    if (source?.readyState !== EventSource.CLOSED) return;
    disconnect();
    const status = await fetch('./api/about').then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 401) onRefused();
    else setTimeout(connect, 1_000);
  });
}

/** What does not change while the service runs. */
function learnAbout() {
  ask('./api/about').then(
    ({ actions }) => {
      state.actions = actions;
      changed();
    },
    () => {},
  );
}

function disconnect() {
  source?.close();
  source = undefined;
}
