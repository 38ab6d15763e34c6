import type { RecordFact, SpanFact } from '../model/fact.ts';
import type { ServerFact } from '../model/server-fact.ts';
import type { ConfiguredChain } from './configured-chains.ts';
import type { NumbersOf } from './workers.ts';

/**
 * Everything that has an effect on runs: what was heard, and what only a clock, a limit or a caller decided. What becomes of
 * runs is a pure function of these, in their order; so they are what is kept.
 */
export type Input =
  | { readonly kind: 'spans'; readonly spans: readonly SpanFact[] }
  | { readonly kind: 'record'; readonly record: RecordFact }
  | { readonly kind: 'server'; readonly fact: ServerFact }
  | Decided;

/** What was not heard. Runs are named by their ids. */
export type Decided =
  /** The server's configuration is another from here on. */
  | { readonly kind: 'configured'; readonly chains: ReadonlyMap<string, ConfiguredChain> }
  /** Somebody waits for what records of a run say: what is missing before them is concluded. */
  | { readonly kind: 'asked'; readonly run: string }
  /** Nothing was heard of a run for a while: what came under other names is gathered. */
  | { readonly kind: 'gathered'; readonly run: string }
  /**
   * A run is over, at a time in milliseconds since the Unix epoch.
   * `spansMayCome`: the server sends spans, so far as is known.
   */
  | { readonly kind: 'closed'; readonly run: string; readonly at: number; readonly spansMayCome: boolean }
  /** Spans, by their ids, that belong to no run are waited for no longer. */
  | { readonly kind: 'orphaned'; readonly spans: readonly string[] }
  /** Facts that a process inside the server has numbered are not to be expected any more. */
  | { readonly kind: 'missed'; readonly process: string }
  /** A process inside the server is gone, as was found out at a time in milliseconds since the Unix epoch. */
  | { readonly kind: 'gone'; readonly process: string; readonly at: number }
  /** There is no room for the run that began first of those of a process inside the server. As of a time, see `gone`. */
  | { readonly kind: 'evicted'; readonly process: string; readonly at: number }
  /** Another adapter, with a journal of its own, has read facts up to here: runs that began there are not ours. */
  | { readonly kind: 'taken_over' }
  /** Somebody waits for the call that a fact says was made. */
  | { readonly kind: 'called'; readonly fact: ServerFact }
  /** Records that a worker has numbered are not to be expected any more. */
  | ({ readonly kind: 'lost' } & NumbersOf)
  /** From one time to another, in milliseconds since the Unix epoch, nobody listened: spans that came may be lost. */
  | { readonly kind: 'unheard'; readonly from: number; readonly to: number }
  /** So many of the runs that were closed first are not remembered any more. */
  | { readonly kind: 'forgotten'; readonly runs: number };
