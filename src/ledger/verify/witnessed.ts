import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { cosignaturesOf } from '../proof/cosignature.ts';
import type { Verifier } from '../proof/note.ts';

/** That a witness has cosigned a checkpoint of a ledger: the newest that was found. */
export interface Attestation {
  readonly witness: Verifier;
  readonly head: TreeHead;
  /** When, as the witness says: milliseconds since the Unix epoch. */
  readonly time: number;
}

/** How many witnesses there must be, and since when. */
export interface Quorum {
  readonly witnesses: readonly Verifier[];
  readonly quorum: number;
  /** Milliseconds. Absent: however long ago. */
  readonly maxAge?: number | undefined;
}

/**
 * What witnesses have cosigned, by checkpoints that the ledger's key has signed.
 * @param notes checkpoints, wherever they were kept: others, and forged ones, count for nothing
 */
export function attestations(
  notes: readonly string[],
  own: readonly Verifier[],
  witnesses: readonly Verifier[],
): Attestation[] {
  const newest = new Map<Verifier, Attestation>();
  for (const note of notes) {
    const opened = openCheckpoint(note, own);
    if (opened.state !== 'signed') continue;
    for (const { witness, time } of cosignaturesOf(note, witnesses) ?? [])
      if (time > (newest.get(witness)?.time ?? 0)) newest.set(witness, { witness, head: opened.head, time });
  }
  return [...newest.values()];
}

/** Whether there are enough of them, and lately. One of the future is none: its witness's clock says nothing. */
export function isWitnessed(
  found: readonly Attestation[],
  { quorum, maxAge = Number.POSITIVE_INFINITY }: Quorum,
): boolean {
  const now = Date.now();
  return found.filter(({ time }) => time <= now + AHEAD && now - time <= maxAge).length >= quorum;
}

/** Milliseconds by which clocks may differ. */
export const AHEAD = 300_000;

/** For programs. */
export function witnessedJson(found: readonly Attestation[], asked: Quorum) {
  return {
    quorum: asked.quorum,
    reached: isWitnessed(found, asked),
    by: found.map(({ witness, head, time }) => ({
      name: witness.name,
      size: head.size,
      time: new Date(time).toISOString(),
    })),
  };
}

/** For people, line by line. */
export function witnessedLines(found: readonly Attestation[], asked: Quorum): string[] {
  const { quorum, witnesses, maxAge } = asked;
  const late = maxAge === undefined ? '' : `, none of it older than ${spoken(maxAge)}`;
  const missing = witnesses.filter((witness) => !found.some((one) => one.witness === witness));
  const rows = [
    [
      'witnessed',
      isWitnessed(found, asked)
        ? `by ${quorum} at least${late}`
        : `✗ not by ${quorum} of the ${witnesses.length} witnesses${late}`,
    ],
    ...found.map(({ witness, head, time }) => [
      '',
      `${witness.name}: ${head.size} records, ${new Date(time).toISOString()}`,
    ]),
    ...missing.map(({ name }) => ['', `${name}: nothing`]),
  ];
  return rows.map(([title = '', text]) => `  ${title.padEnd(12)} ${text}`);
}

function spoken(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
