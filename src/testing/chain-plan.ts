import type { Span, Tracer } from '@opentelemetry/api';
import {
  endChainSpan,
  endLinkSpan,
  endStorageSpan,
  insideChain,
  markFailed,
  startChainSpan,
  startLinkSpan,
  startStorageSpan,
} from '../instrumentation/recorder.ts';

/** What a link does. */
export type LinkAct = 'same' | 'new' | 'halt' | 'fail';

/** A chain that is about to happen, with all its luck decided. */
export interface ChainPlan {
  readonly chain: string;
  readonly vconUuid: string;
  readonly links: readonly { readonly name: string; readonly act: LinkAct; readonly turns: number }[];
  readonly storages: readonly { readonly name: string; readonly fails: boolean; readonly turns: number }[];
}

/** Each of the nine events, each end that a chain can have, and names of every kind. */
export const SCRIPTED: readonly ChainPlan[] = [
  plan('main', ['transcribe same', 'redact new', 'analyze same'], ['archive', '!warehouse']),
  plan('main', ['transcribe same', 'analyze fail', 'never same'], ['archive']),
  plan('filter', ['consent halt', 'never same'], ['archive']),
  plan('store', [], ['archive', 'archive']),
  plan('é—😀 "\'\\% \n\t$1;--', ['Größe/\u2028 same'], ['a b/c~2"\'%']),
];

/** @param seed the same one makes the same plans */
export function randomPlans(count: number, seed: number): ChainPlan[] {
  const below = random(seed);
  const some = <T>(most: number, make: (index: number) => T) =>
    Array.from({ length: below(most + 1) }, (_, i) => make(i));
  return Array.from({ length: count }, () => ({
    chain: ['intake', 'second', 'third'][below(3)] ?? '',
    vconUuid: uuid(below(20)),
    links: some(5, (i) => ({ name: `l${i}`, act: ACTS[below(ACTS.length)] ?? 'same', turns: below(4) })),
    storages: some(3, (i) => ({ name: `s${i}`, fails: below(4) === 0, turns: below(4) })),
  }));
}

/** Makes a chain happen, as spans of a tracer: in their real order, with what is under way at the same time in between. */
export async function perform(
  { chain, vconUuid, links, storages }: ChainPlan,
  tracer: Tracer,
): Promise<void> {
  const chainSpan = startChainSpan(tracer, { chain, vconUuid, links: links.map(({ name }) => name) });
  const inside = insideChain(chainSpan);
  let uuidNow = vconUuid;
  for (const [linkIndex, { name, act, turns }] of links.entries()) {
    const span = startLinkSpan(tracer, inside, { chain, vconUuid: uuidNow, link: name, linkIndex });
    await eventLoop(turns);
    if (act === 'fail') {
      markFailed(span, 'link', name, 'RangeError');
      endLinkSpan(span, { outcome: 'error' });
      markFailed(chainSpan, 'chain', chain, 'RangeError');
      endChainSpan(chainSpan, { outcome: 'error' });
      return;
    }
    if (act === 'new') uuidNow = `${uuidNow.slice(0, -4)}${String(linkIndex).padStart(4, 'f')}`;
    endLinkSpan(span, { outcome: act === 'halt' ? 'halt' : 'success', outVconUuid: uuidNow });
    if (act === 'halt') {
      endChainSpan(chainSpan, { outcome: 'halted', outVconUuid: uuidNow });
      return;
    }
  }
  await Promise.all(
    storages.map(async ({ name, fails, turns }) => {
      const span: Span = startStorageSpan(tracer, inside, { chain, vconUuid: uuidNow, storage: name });
      await eventLoop(turns);
      if (fails) markFailed(span, 'storage', name, 'Error');
      endStorageSpan(span);
    }),
  );
  endChainSpan(chainSpan, { outcome: 'complete', outVconUuid: uuidNow });
}

/** Lets the event loop turn a number of times. */
export async function eventLoop(turns: number): Promise<void> {
  for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

const ACTS: readonly LinkAct[] = ['same', 'same', 'same', 'same', 'same', 'new', 'halt', 'fail'];

/** @param links each a name and what it does; @param storages each a name, behind a `!` if it fails */
function plan(chain: string, links: readonly string[], storages: readonly string[]): ChainPlan {
  return {
    chain,
    vconUuid: uuid(0),
    links: links.map((link) => {
      const at = link.lastIndexOf(' ');
      return { name: link.slice(0, at), act: link.slice(at + 1) as LinkAct, turns: 1 };
    }),
    storages: storages.map((name) => ({
      name: name.replace(/^!/, ''),
      fails: name.startsWith('!'),
      turns: 1,
    })),
  };
}

function uuid(number: number): string {
  return `018f0000-0000-8000-8000-${String(number).padStart(12, '0')}`;
}

/** Mulberry32: small, and even enough for tests. */
function random(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}
