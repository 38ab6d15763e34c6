import type { TracerPlace } from '../../journal/admin.ts';
import type { JournalSection } from '../../journal/open-admin.ts';
import type { RunRow } from '../live/run-row.ts';
import type { HeardView, RunView } from '../run-view.ts';
import type { QueueChanges } from './change-queue.ts';
import type { LedgerQuestions } from './ledger-questions.ts';

/** What a reader of the past is started with. */
export interface ReaderData {
  readonly journal: JournalSection;
}

/** Which runs somebody looks for; absent means any. */
export interface RunSearch {
  readonly chain?: string | undefined;
  readonly outcome?: string | undefined;
  /** How the type of its error begins, in capitals or not. */
  readonly error?: string | undefined;
  /** A link or a storage that it passed. */
  readonly step?: string | undefined;
  /** A uuid that entered or left it, or its beginning. */
  readonly vcon?: string | undefined;
  /** Milliseconds since the Unix epoch: it began from here on, and before this. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** What can be asked, and what is answered. */
export interface Questions extends JournalQuestions, QueueChanges, LedgerQuestions {}

/** What can be asked of a journal. */
export interface JournalQuestions {
  run: { readonly ask: { readonly id: string }; readonly answer: RunView | undefined };
  vcon: { readonly ask: { readonly uuid: string }; readonly answer: FoundRuns };
  search: { readonly ask: RunSearch; readonly answer: FoundRuns };
  /** By chain, what its last runs have taken that began before a time (milliseconds since the Unix epoch), in seconds. */
  durations: {
    readonly ask: { readonly until: number };
    readonly answer: Readonly<Record<string, readonly number[]>>;
  };
  places: { readonly ask: object; readonly answer: readonly TracerPlace[] };
  dead: { readonly ask: { readonly tracer: string }; readonly answer: readonly DeadLetterView[] };
}

/** Runs that were found, newest first. */
export interface FoundRuns {
  readonly runs: readonly RunRow[];
  /** There are older ones that nobody has looked at. */
  readonly older: boolean;
}

/** An event that a tracer was given and has not taken. */
export interface DeadLetterView extends HeardView {
  readonly run: string;
  readonly chain: string;
  readonly subject: string | null;
  readonly vcon: string;
}

export type Question = keyof Questions;

/** What goes to the thread, and what comes from it. */
export interface PastQuestion {
  readonly question: Question;
  readonly ask: unknown;
}
export type PastAnswer = { readonly answer: unknown } | { readonly error: string };
