/** All kinds of {@link ReceiverIssue}. */
export const RECEIVER_ISSUES = [
  /** A span or record came when its run was over. */
  'late_span',
  'late_record',
  /** A span that belongs to no run that is known. */
  'orphan_span',
  /** A run of which no end was heard, or that was closed to make room. */
  'truncated_run',
  'evicted_run',
  /** A chain span whose parent is another chain's: the Python server had not ended that. */
  'leaked_context',
  /** A link of which neither span nor record came, though later ones did. */
  'missing_link',
  /** Records that a worker numbered and that did not come. */
  'lost_record',
  'internal_error',
] as const;

/** What was wrong with what receivers were sent. */
export type ReceiverIssue = (typeof RECEIVER_ISSUES)[number];
