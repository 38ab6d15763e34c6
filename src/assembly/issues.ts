/** All kinds of {@link AssemblyIssue}. */
export const ASSEMBLY_ISSUES = [
  /** A span or record came when its run was over. */
  'late_span',
  'late_record',
  /** A span that belongs to no run that is known. */
  'orphan_span',
  /** A run that was closed to make room. */
  'evicted_run',
  /** A chain span whose parent is another chain's: the Python server had not ended that. */
  'leaked_context',
  /** A link of which neither span nor record came, though later ones did. */
  'missing_link',
  /** Records that a worker numbered and that did not come. */
  'lost_record',
  /** Facts from inside the server that belong to no run that is known; that were numbered and did not come. */
  'unplaced_fact',
  'lost_fact',
  /** Facts of runs that began when another adapter read the stream. */
  'elsewhere_fact',
  /** A span, record or fact of which a time cannot be: it has that of its receipt. */
  'wrong_time',
  /** Inputs that were kept, and could not be read when the service was started again. */
  'lost_input',
  /** A run of which nobody can know how it ended. */
  'lost_run',
  'internal_error',
] as const;

/** What was wrong with what was heard of runs. */
export type AssemblyIssue = (typeof ASSEMBLY_ISSUES)[number];
