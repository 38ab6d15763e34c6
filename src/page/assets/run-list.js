import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { RunBar } from './bar.js';
import { now } from './feed.js';
import { duration, shortUuid, time } from './format.js';
import { html } from './html.js';
import { Outcome } from './outcome.js';

/** Rows beyond the edges of the window that are there as well, so that scrolling shows no holes. */
const MARGIN = 8;

/**
 * Runs, one in a row. Only those that can be seen are in the document; screen readers are told of which number each is.
 * @param {{ runs: any[], scale: number, label: string, empty: string, usualOf?: (chain: string) => number | null }} properties
 */
export function RunList({ runs, scale, label, empty, usualOf, at }) {
  const list = useRef(null);
  const [view, setView] = useState({ first: 0, last: 40, height: 34 });
  const look = () => {
    const element = list.current;
    if (!element) return;
    const { top } = element.getBoundingClientRect();
    const height = Number.parseFloat(getComputedStyle(element).getPropertyValue('--row')) || 34;
    const first = Math.max(0, Math.floor(-top / height) - MARGIN);
    // The list may be far below what can be seen.
    const last = Math.max(0, Math.ceil((innerHeight - top) / height) + MARGIN);
    setView((old) =>
      old.first === first && old.last === last && old.height === height ? old : { first, last, height },
    );
  };
  useEffect(() => {
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    // What is above it may become longer or shorter.
    const changes = new ResizeObserver(look);
    changes.observe(document.body);
    return () => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
      changes.disconnect();
    };
  }, []);
  useLayoutEffect(look, [runs.length]);
  if (runs.length === 0) return html`<p class="empty">${empty}</p>`;
  const { first, last, height } = view;
  return html`<ol class="runs" aria-label=${label} ref=${list} style=${{ height: `${runs.length * height}px` }}>
    ${runs.slice(first, last).map(
      (run, index) => html`<li
        key=${run.id}
        aria-setsize=${runs.length}
        aria-posinset=${first + index + 1}
        style=${{ transform: `translateY(${(first + index) * height}px)` }}
      >
        <${RunRow} run=${run} scale=${scale} usual=${usualOf?.(run.chain) ?? null} at=${at} />
      </li>`,
    )}
  </ol>`;
}

function RunRow({ run, scale, usual, at }) {
  const isOver = run.duration !== null;
  const age = Math.max(0, (now() - run.start) / 1e3);
  const { stalled } = run;
  const last = run.steps.at(-1);
  const step = !last ? 'begins' : last[3] === null ? last[1] : `after ${last[1]}`;
  return html`<a class="run-row" href=${`#/run/${run.id}`} data-row>
    <span class="chain">${run.chain}</span>
    <span class="uuid" title=${run.vcon ?? 'the uuid of its vCon is not known'}>${shortUuid(run.vcon)}</span>
    <${RunBar} run=${run} scale=${scale} age=${age} usual=${isOver ? null : usual} stalled=${stalled} />
    <span class="what">${
      isOver
        ? html`<${Outcome} of=${run.outcome ?? 'unknown'} detail=${run.error_type} />`
        : stalled
          ? html`<span class="outcome halt"><span class="shape" aria-hidden="true">▲</span>stalled</span> <span class="step">${step}</span>`
          : html`<span class="step">${step}</span>`
    }</span>
    <span class="took">${duration(isOver ? run.duration : age)}</span>
    ${at ? html`<span class="when">${time(run.start)}</span>` : null}
  </a>`;
}
