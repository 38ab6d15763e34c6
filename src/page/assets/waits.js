import { duration } from './format.js';
import { html } from './html.js';
import { lookOf } from './outcome.js';

/*
 * What a tracer hears waits: in its queue until the first attempt, between attempts, and then it is called. Each is a bar of its own.
 */

const OPEN = new Set(['waiting', 'retry', 'queued']);

/** The waits and the call of an event at a tracer, in seconds after the start of a run. @param {any} one @param {any} run @param {number} age of the run */
export function waitsOf(one, run, age) {
  const after = (millis) => (millis - run.start) / 1e3;
  const happened = after(one.time);
  if (one.at === null) return OPEN.has(one.state) ? [{ kind: 'wait', from: happened, to: age }] : [];
  const end = after(one.at);
  const called = one.duration === null ? end : end - one.duration;
  const first = one.since === null || one.attempts < 2 ? called : Math.min(called, after(one.since));
  return [
    { kind: 'wait', from: happened, to: first },
    ...(first < called ? [{ kind: 'again', from: first, to: called }] : []),
    { kind: `call ${lookOf(one.state)[0]}`, from: called, to: end },
    ...(OPEN.has(one.state) ? [{ kind: 'again', from: end, to: Math.max(end, age) }] : []),
  ].filter(({ from, to }) => to > from || from === called);
}

/** Seconds for which an event has waited at a tracer, attempts left out. */
export const waitedOf = (waits) =>
  waits
    .filter(({ kind }) => !kind.startsWith('call'))
    .reduce((all, { from, to }) => all + Math.max(0, to - from), 0);

/** Waits and calls along the time that is looked at. @param {{ waits: any[], place: (seconds: number) => number }} properties */
export function WaitLane({ waits, place }) {
  return html`<span class="lane waits" aria-hidden="true">${waits.map(({ kind, from, to }, index) => {
    const left = Math.max(-1, Math.min(101, place(from)));
    const right = Math.max(-1, Math.min(101, place(to)));
    return right < 0 || left > 100
      ? null
      : html`<span key=${index} class=${kind} style=${{ left: `${left}%`, width: `${Math.max(0, right - left)}%` }}></span>`;
  })}</span>`;
}

/** A row for each tracer: how what it heard of the run waited for it. */
export function TracerRows({ run, age, place }) {
  const tracers = Map.groupBy(run.heard ?? [], ({ tracer }) => tracer);
  return [...tracers].map(([tracer, heard]) => {
    const all = heard.map((one) => waitsOf(one, run, age));
    const longest = Math.max(0, ...all.map(waitedOf));
    return html`<li key=${tracer} class="tracer"><div class="step-row">
      <span class="name"><span class="stage">tracer</span> ${tracer}</span>
      <${WaitLane} waits=${all.flat()} place=${place} />
      <span class="what">waited ${duration(longest)} at most</span><span class="took"></span>
    </div></li>`;
  });
}
