import { ROOT_CONTEXT, type Tracer } from '@opentelemetry/api';
import { endSpan, insideChain, startSpan } from '../instrumentation/recorder.ts';

/** What a link does. */
export type LinkAct = 'same' | 'new' | 'halt' | 'fail';

/** A planned chain, with all chance decided. */
export interface ScriptedChain {
  readonly chain: string;
  readonly vconUuid: string;
  readonly links: readonly { readonly name: string; readonly act: LinkAct; readonly turns: number }[];
  readonly storages: readonly { readonly name: string; readonly fails: boolean; readonly turns: number }[];
}

/** Each of the nine events, each end that a chain can have, and names of every kind. */
export const SCRIPTED: readonly ScriptedChain[] = [
  plan('main', ['transcribe same', 'redact new', 'analyze same'], ['archive', '!warehouse']),
  plan('main', ['transcribe same', 'analyze fail', 'never same'], ['archive']),
  plan('filter', ['consent halt', 'never same'], ['archive']),
  plan('store', [], ['archive', 'archive']),
  plan('é—😀 "\'\\% \n\t$1;--', ['Größe/\u2028 same'], ['a b/c~2"\'%']),
];

/** @param seed the same seed makes the same plans */
export function randomPlans(count: number, seed: number): ScriptedChain[] {
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

/** Runs a chain as spans of a tracer, in their real order, interleaved with whatever happens at the same time. */
export async function perform(
  { chain, vconUuid, links, storages }: ScriptedChain,
  tracer: Tracer,
): Promise<void> {
  const start = { stage: 'chain', chain, vconUuid, links: links.map(({ name }) => name) } as const;
  const chainSpan = startSpan(tracer, start, ROOT_CONTEXT);
  const inside = insideChain(chainSpan);
  let uuidNow = vconUuid;
  for (const [index, { name, act, turns }] of links.entries()) {
    const begun = { stage: 'link', chain, vconUuid: uuidNow, name, index } as const;
    const span = startSpan(tracer, begun, inside);
    await eventLoop(turns);
    if (act === 'fail') {
      const end = { outcome: 'error', errorType: 'RangeError' } as const;
      endSpan(span, 'link', name, end);
      endSpan(chainSpan, 'chain', chain, end);
      return;
    }
    if (act === 'new') uuidNow = `${uuidNow.slice(0, -4)}${String(index).padStart(4, 'f')}`;
    endSpan(span, 'link', name, { outcome: act === 'halt' ? 'halt' : 'success', outVconUuid: uuidNow });
    if (act === 'halt') {
      endSpan(chainSpan, 'chain', chain, { outcome: 'halted', outVconUuid: uuidNow });
      return;
    }
  }
  await Promise.all(
    storages.map(async ({ name, fails, turns }) => {
      const span = startSpan(tracer, { stage: 'storage', chain, vconUuid: uuidNow, name }, inside);
      await eventLoop(turns);
      const end = fails
        ? ({ outcome: 'error', errorType: 'Error' } as const)
        : ({ outcome: 'success' } as const);
      endSpan(span, 'storage', name, end);
    }),
  );
  endSpan(chainSpan, 'chain', chain, { outcome: 'complete', outVconUuid: uuidNow });
}

/** Lets the event loop turn a number of times. */
async function eventLoop(turns: number): Promise<void> {
  for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

const ACTS: readonly LinkAct[] = ['same', 'same', 'same', 'same', 'same', 'new', 'halt', 'fail'];

/** @param links each a name and what it does; @param storages each a name, with a `!` before it if it fails */
function plan(chain: string, links: readonly string[], storages: readonly string[]): ScriptedChain {
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
