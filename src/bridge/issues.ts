import type { RarelyLogged } from '../model/rarely-logged.ts';

/** All kinds of {@link IssueKind}. */
export const ISSUE_KINDS = [
  'rejected_span',
  'orphan_span',
  'unfinished_step',
  'leaked_context',
  'unknown_chain',
  'repeated_event',
  'evicted_run',
  'after_shutdown',
  'processor_error',
  'internal_error',
  'journal_corrupt',
  'journal_unwritable',
  'journal_replaced',
  'journal_forgot',
] as const;

/** What the bridge could not make sense of (DESIGN §4, trouble). */
export type IssueKind = (typeof ISSUE_KINDS)[number];

/** Counts what is wrong and says it in the log now and then. */
export class Issues {
  readonly #counts = new Map<IssueKind, number>();
  readonly #log: RarelyLogged;

  constructor(log: RarelyLogged) {
    this.#log = log;
  }

  /** @param detail an `error.type` or a sentence of ours, if there is one */
  add(kind: IssueKind, detail?: string): void {
    this.#counts.set(kind, this.of(kind) + 1);
    this.#log.warn(`issue ${kind}`, ['bridge:', kind.replaceAll('_', ' '), detail].filter(Boolean).join(' '));
  }

  of(kind: IssueKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Those that there were. */
  all(): Readonly<Partial<Record<IssueKind, number>>> {
    return Object.fromEntries(this.#counts);
  }
}
