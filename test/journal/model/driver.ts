import type { Journal } from '../../../src/journal/journal.ts';

/** A kind of journal under the model: it is opened, ends one way or another, and is opened again. */
export interface JournalDriver {
  /** Opens what the last one has left; at first that is nothing. */
  open(): Promise<Journal>;
  /** Only of a journal that is `persistent`. */
  readonly lasting?: LastingJournal;
  /** Removes what is left at the end. The journal is closed. */
  remove(): void;
}

/** What can be done with a journal that outlives its process, whether that runs or not. */
export interface LastingJournal {
  /** Has the next `open` find what a process that is killed now would leave. The journal is then of no further use. */
  crash(): void;
  /** What there is, as an operator sees it. */
  look(): Promise<Kept>;
  /** Does what an operator has decided. */
  decide(decision: Decision): Promise<void>;
}

/** Events are known by their serial: the order in which they were appended. */
export interface Kept {
  readonly log: readonly number[];
  /** Bodies of the input log. */
  readonly inputs: readonly string[];
  readonly consumers: ReadonlyMap<string, KeptConsumer>;
}

export interface KeptConsumer {
  /** In the order of the log. */
  readonly toHear: readonly KeptEvent[];
  readonly dead: readonly number[];
}

export interface KeptEvent {
  readonly serial: number;
  readonly attempts: number;
  /** An operator asked for it. */
  readonly again: boolean;
}

/** An operator's decision about events of one consumer; `ids` undefined means all dead letters. */
export type Decision =
  | {
      readonly decide: 'again' | 'skip';
      readonly consumer: string;
      readonly ids: readonly string[] | undefined;
    }
  /** Events from one serial up to, and without, another. */
  | { readonly decide: 'replay'; readonly consumer: string; readonly from: number; readonly to: number };
