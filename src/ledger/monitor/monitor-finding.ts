/**
 * What a monitor can find wrong with a ledger, the worst first.
 * - `LEDGER_FORKED`: it has signed two checkpoints that contradict one another; both are kept
 * - `LEDGER_ROLLED_BACK`: it has fewer records than it had
 * - `RECORD_NOT_INCLUDED`: a record is not the one that the checkpoint covers
 * - `RECORD_MISSING`: a record that the checkpoint covers is not there
 * - `TILES_DAMAGED`: its tiles do not lead to the checkpoint
 * - `ORIGIN_CHANGED`: a place has another ledger than it had
 * - `CHECKPOINT_INVALID`: what is there as a checkpoint is none
 * - `BAD_SIGNATURE`: the checkpoint's signature does not verify
 * - `UNKNOWN_KEY`: no given key has signed the checkpoint
 * - `CHECKPOINT_MISSING`: there is no checkpoint
 * - `QUORUM_MISSING`: too few witnesses have cosigned it, or not lately
 * - `CHECKPOINT_STALE`: it has not grown for too long
 * - `UNREACHABLE`: nothing was found out
 */
export const MONITOR_FINDINGS = [
  'LEDGER_FORKED',
  'LEDGER_ROLLED_BACK',
  'RECORD_NOT_INCLUDED',
  'RECORD_MISSING',
  'TILES_DAMAGED',
  'ORIGIN_CHANGED',
  'CHECKPOINT_INVALID',
  'BAD_SIGNATURE',
  'UNKNOWN_KEY',
  'CHECKPOINT_MISSING',
  'QUORUM_MISSING',
  'CHECKPOINT_STALE',
  'UNREACHABLE',
] as const;
export type MonitorFindingName = (typeof MONITOR_FINDINGS)[number];

/** Something that a monitor has found wrong. */
export interface MonitorFinding {
  readonly name: MonitorFindingName;
  /** A sentence. It quotes nothing of the ledger but origin and numbers. */
  readonly text: string;
  /** The file that has both checkpoints, where two contradict one another. */
  readonly evidence?: string;
}

/** Ends the look at a ledger at something that leaves nothing more to look at. */
export class Noticed extends Error {
  readonly finding: MonitorFindingName;
  /** A checkpoint that the one which was looked at contradicts. */
  readonly against: string | undefined;

  constructor(finding: MonitorFindingName, text: string, against?: string) {
    super(text);
    this.finding = finding;
    this.against = against;
  }
}
