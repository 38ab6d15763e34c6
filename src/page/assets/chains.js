import { now, state } from './feed.js';
import { duration, number } from './format.js';
import { html } from './html.js';

const KINDS = ['ok', 'halt', 'error', 'unknown'];

/** How each chain did in the last minutes. */
export function Chains() {
  const chains = [...state.chains].sort((a, b) => a.chain.localeCompare(b.chain));
  if (chains.length === 0)
    return html`<p class="empty">No chain has been heard of since the service started.</p>`;
  const minutes = Math.round((state.steps * state.step) / 60_000);
  const most = Math.max(1, ...chains.flatMap(({ past }) => [...past.values()].map(sum)));
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Chains"><table class="chains">
    <thead><tr>
      <th scope="col">Chain</th><th scope="col" class="n">Running</th><th scope="col" class="n">a minute</th>
      <th scope="col" class="n">Median</th><th scope="col" class="n">p99</th>
      <th scope="col" class="n">Errors</th><th scope="col" class="n">Halted</th>
      <th scope="col" class="spark">Last ${minutes} minutes</th>
    </tr></thead>
    <tbody>${chains.map((chain) => html`<${ChainLine} key=${chain.chain} chain=${chain} most=${most} />`)}</tbody>
  </table></div>`;
}

function ChainLine({ chain, most }) {
  const counts = totals(chain.past.values());
  const all = sum(counts);
  const share = (count) => (count === 0 ? '0' : `${number(count)} (${percent(count / all)})`);
  return html`<tr>
    <th scope="row"><a href=${`#/search?chain=${encodeURIComponent(chain.chain)}`} title=${chain.chain}>${chain.chain}</a></th>
    <td class="n">${number(chain.running)}</td>
    <td class="n">${number(chain.per_minute)}</td>
    <td class="n">${duration(chain.p50)}</td>
    <td class="n">${duration(chain.p99)}</td>
    <td class=${`n ${counts[2] > 0 ? 'error' : ''}`}>${share(counts[2])}</td>
    <td class=${`n ${counts[1] > 0 ? 'halt' : ''}`}>${share(counts[1])}</td>
    <td class="spark"><${Spark} past=${chain.past} most=${most} /></td>
  </tr>`;
}

/** Runs that ended, a bar for each step of time: complete below, then halted, then errors. */
function Spark({ past, most }) {
  const last = Math.floor(now() / state.step);
  const paths = KINDS.map((kind, at) => {
    let path = '';
    for (let index = 0; index < state.steps; index += 1) {
      const counts = past.get(last - state.steps + 1 + index);
      if (!counts?.[at]) continue;
      const below = counts.slice(0, at).reduce((all, count) => all + count, 0);
      const bottom = 24 - (24 * below) / most;
      const height = Math.max(1.2, (24 * counts[at]) / most);
      path += `M${index * 4} ${bottom}v${-height}h3v${height}z`;
    }
    return html`<path key=${kind} class=${kind} d=${path} />`;
  });
  const [complete, halted, error] = totals(past.values());
  return html`<svg viewBox=${`0 0 ${state.steps * 4} 25`} preserveAspectRatio="none" role="img"
    aria-label=${`${complete} complete, ${halted} halted, ${error} with errors`}>
    <path class="base" d=${`M0 24.5h${state.steps * 4}`} />${paths}</svg>`;
}

/** @param {Iterable<number[]>} all */
export function totals(all) {
  const total = [0, 0, 0, 0];
  for (const counts of all) for (const [at, count] of counts.entries()) total[at] += count;
  return total;
}

const sum = (counts) => counts.reduce((all, count) => all + count, 0);

const percent = (share) => (share < 0.01 ? '<1 %' : `${Math.round(share * 100)} %`);
