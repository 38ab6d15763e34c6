import type { ServerFactOf as Of } from '../../model/server-fact.ts';
import { isTimed } from '../claimed-times.ts';
import type { Statement } from '../statement.ts';
import type { KeptLinks } from './run-links.ts';
import type { ChainSpanIds, Hearing, ToldStart } from './run-start.ts';
import type { KeptStorages } from './run-storages.ts';

/** What was heard of a run, beside what has become of its steps. */
export interface RunState {
  chainSpan: ChainSpanIds | undefined;
  /** The first link, while the document's hash is waited for. */
  first: Of<'span_start'> | undefined;
  hasEgress: boolean;
  /** When the chain's span ended well, nanoseconds since the Unix epoch. */
  chainEnded: bigint | undefined;
  hasGap: boolean;
  /** A time of it cannot be. */
  hasWrongTime: boolean;
  /** How many facts. */
  facts: number;
  /** Who sent the last of them that tells anything. */
  sender: string | undefined;
  /** How often its process has said that it does not hold the run open. */
  missed: number;
}

/** What is known of a run of which no more was heard than its start. */
export function stateAt(start: ToldStart): RunState {
  return {
    chainSpan: start.chainSpan,
    first: undefined,
    hasEgress: false,
    chainEnded: undefined,
    hasGap: false,
    hasWrongTime: !isTimed(start),
    facts: 0,
    sender: start.sender,
    missed: 0,
  };
}

/** A run that is not over: all that it takes to go on with it. */
export interface KeptServerRun {
  readonly start: ToldStart;
  readonly hearing: Hearing;
  readonly state: Readonly<RunState>;
  /** Undefined before its first event. */
  readonly told: ToldSoFar | undefined;
}

/** A run as it was when it was lent, whatever has become of it: what that takes is made when it is asked for. */
export interface LentRun {
  kept(): KeptServerRun;
}

/**
 * A run that is not over, as it was written down: what it is found by, and a line that tells the rest. Of very many runs that are open
 * nothing is heard for long, so they stay lines until something is.
 */
export interface RestingRun {
  readonly thread: string;
  readonly number: number | undefined;
  readonly chain: string;
  readonly chainSpanId: string | undefined;
  /** Nanoseconds since the Unix epoch, written out. */
  readonly began: string;
  /** See {@link RunState}: how many facts, and how often its process has said that it does not hold the run open. */
  readonly size: number;
  readonly missed: number;
  /** See `readRun`. */
  readonly line: Buffer;
}

/** What was emitted of a run, and what of that is under way. */
export interface ToldSoFar {
  readonly statements: readonly Statement[];
  readonly links: KeptLinks;
  readonly storages: KeptStorages;
}
