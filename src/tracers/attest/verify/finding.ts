/** What can be wrong with attestations, in words that end a sentence about a step. */
export const ATTESTATION_FINDINGS = {
  malformed: 'is no attestation',
  bad_signature: 'is not what was signed',
  unknown_key: 'is signed by a key that is not trusted with it',
  unrecorded: 'is not recorded in the ledger',
  missing: 'is recorded in the ledger, and not here',
  foreign: 'is none of the steps of the chain',
  reordered: 'is not in its place',
  skipped: 'has no attestation, though the chain went on or ended after it',
  repeated: 'is attested twice, in different words',
  after_end: 'comes after the step at which the chain ended',
  changed: 'was given another document than the step before it left',
  other_vcon: 'was given another vCon than the step before it left',
  other_time: 'has times that cannot be, beside those of its run',
  contradiction: 'contradicts the rest of its run',
} as const;

/** {@link ATTESTATION_FINDINGS}, by name. */
export type AttestationFindingName = keyof typeof ATTESTATION_FINDINGS;

/** Something that is wrong. */
export interface AttestationFinding {
  readonly finding: AttestationFindingName;
  /** What it is about, as far as that is known. */
  readonly run?: string;
  readonly chain?: string;
  readonly step?: string;
  /** `<file>:<line>`, the first line being 1. */
  readonly at?: string;
}
