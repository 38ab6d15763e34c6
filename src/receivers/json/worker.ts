import { parentPort } from 'node:worker_threads';
import { VconOtelError } from '../../model/error.ts';
import { type Reductions, reduce } from './reduce.ts';

//  The thread in which large bodies of JSON are read. The answer to a body is first its counts, then its items, a few at
//  a time and only when more are requested, since taking them over costs the other thread time too.

/** A request to the thread. */
export type Ask = { readonly kind: keyof Reductions; readonly body: Uint8Array } | 'more';

/** The thread's answer. */
export type ReaderAnswer =
  | { readonly is: 'counts'; readonly counts: unknown }
  | { readonly is: 'items'; readonly items: readonly unknown[]; readonly last: boolean }
  | { readonly is: 'refused'; readonly why: string };

/** How many items are passed on at once. */
const SOME = 250;

parentPort?.on('message', answerTo);

let items: readonly unknown[] = [];
let at = 0;

function answerTo(ask: Ask): void {
  if (ask === 'more') {
    const some = items.slice(at, at + SOME);
    at += SOME;
    const last = at >= items.length;
    if (last) items = [];
    say({ is: 'items', items: some, last });
    return;
  }
  try {
    const reduced = reduce(ask.kind, Buffer.from(ask.body.buffer, ask.body.byteOffset, ask.body.byteLength));
    items = reduced.items;
    at = 0;
    say({ is: 'counts', counts: reduced.counts });
  } catch (error) {
    say({ is: 'refused', why: error instanceof VconOtelError ? error.message : 'the body cannot be read' });
  }
}

function say(answer: ReaderAnswer): void {
  parentPort?.postMessage(answer);
}
