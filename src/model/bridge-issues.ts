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
  'unheard_chain',
  'tracer_ended',
  'unhandled_rejection',
  'journal_corrupt',
  'journal_unwritable',
  'journal_replaced',
  'journal_went_back',
  'journal_forgot',
] as const;

/** What the bridge could not make sense of (DESIGN §4, trouble). */
export type IssueKind = (typeof ISSUE_KINDS)[number];
