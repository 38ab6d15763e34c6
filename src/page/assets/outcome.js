import { html } from './html.js';

/** How a run or a step ended, as a word and a shape: nobody has to tell colours apart. */
const LOOKS = {
  complete: ['ok', '✓', 'complete'],
  success: ['ok', '✓', 'success'],
  ok: ['ok', '✓', 'heard'],
  halted: ['halt', '■', 'halted'],
  halt: ['halt', '■', 'halt'],
  error: ['error', '✕', 'error'],
  dead: ['error', '✕', 'dead letter'],
  unknown: ['unknown', '?', 'unknown'],
  running: ['running', '▸', 'running'],
  waiting: ['running', '…', 'waiting'],
  retry: ['halt', '↻', 'tried again'],
  queued: ['running', '…', 'queued'],
  skipped: ['unknown', '↷', 'skipped'],
  dropped: ['error', '✕', 'dropped'],
  closed: ['ok', '✓', 'closed'],
  open: ['error', '✕', 'open'],
  half_open: ['halt', '↻', 'half open'],
};

/** @param {string | null} outcome */
export const lookOf = (outcome) => LOOKS[outcome ?? 'running'] ?? LOOKS.unknown;

/** A shape and a word. @param {{ of: string | null, detail?: string | null }} properties */
export function Outcome({ of, detail }) {
  const [kind, shape, word] = lookOf(of);
  return html`<span class=${`outcome ${kind}`}><span class="shape" aria-hidden="true">${shape}</span>${word}${
    detail ? html` <span class="type">${detail}</span>` : null
  }</span>`;
}
