import { join } from 'node:path';
import { ROTATIONS_FILE, readText } from '../directory.ts';
import { type KeyRotation, keysInForce, rotationsOf } from '../keys/key-rotation.ts';
import type { RotationRecord } from '../log/own-keys.ts';
import { openCheckpoint } from '../proof/checkpoint.ts';
import { parseVerifierKey, type Verifier } from '../proof/note.ts';
import type { HistoryCheckpoint } from './checkpoint-reader.ts';
import { Found, type LedgerFault } from './verdict.ts';

/** Which keys have signed a ledger one after the other: each change must be signed by the key before it. */
export class KeyChanges {
  /** The keys that may have signed, and when. */
  readonly verifiers: readonly Verifier[];
  /** The changes that the given keys lead to. */
  readonly proven: readonly KeyRotation[];
  /** The first record of a change that nothing proves. */
  #unproven: { readonly record: RotationRecord; readonly place: LedgerFault } | undefined;
  #unfinished: LedgerFault | undefined;
  /** Of a ledger without changes, the given keys that have signed every checkpoint by now. */
  #signers: readonly Verifier[];

  constructor(directory: string, given: readonly Verifier[]) {
    const rotations = rotationsOf(readText(join(directory, ROTATIONS_FILE)) ?? '');
    this.verifiers = keysInForce(given, rotations);
    this.#signers = this.verifiers;
    this.proven = this.verifiers.some(({ term }) => term) ? rotations : [];
  }

  /** Where the newest checkpoint is the first that covers a change: the next start goes on from there. */
  get unfinished(): LedgerFault | undefined {
    return this.#unfinished;
  }

  add(record: RotationRecord, place: Omit<LedgerFault, 'reason'>): void {
    if (!this.proven.some(({ seq }) => seq === record.seq))
      this.#unproven ??= { record, place: { ...place, reason: 'changes the key, which is not finished' } };
  }

  /**
   * @param isLast whether there is no newer checkpoint
   * @throws Found where nobody who may has signed it
   */
  check({ note, offset, head, state }: HistoryCheckpoint, file: string, isLast: boolean): void {
    const unproven = this.#unproven;
    if (unproven && head.size > unproven.record.seq) {
      const { former_key, verifier_key } = unproven.record;
      const found = (reason: string, verdict: Found['verdict']) =>
        new Found({ ...unproven.place, reason }, verdict);
      if (!isSignedBy(note, former_key))
        throw found(
          'changes the key that signs, and the key before it has not signed that: whoever has the new key alone may have written it',
          'bad_signature',
        );
      if (!isSignedBy(note, verifier_key))
        throw found('changes the key that signs, and the new key has not signed that', 'bad_signature');
      if (!isLast)
        throw found(
          `changes the key that signs, and the proof of that is missing in ${ROTATIONS_FILE}, or is damaged`,
          'unknown_key',
        );
      this.#unfinished = unproven.place;
    }
    if (state === 'signed') {
      this.#requireOneKey(note, head.size, { file, offset });
      return;
    }
    const late = this.verifiers.find(
      ({ term, ...untimed }) => term && openCheckpoint(note, [untimed]).state === 'signed',
    );
    const change = this.proven.find(({ former }) => former.id === late?.id);
    const reason = late
      ? `the checkpoint of ${head.size} records is signed by the key ${late.id} alone, which ${
          change && head.size > change.head.size
            ? `record ${change.seq} has changed for another: it no longer counts`
            : 'was not the key of the ledger yet'
        }`
      : 'a checkpoint has no signature of the given key: another key signed it, or its signature is damaged';
    throw new Found({ file, offset, reason }, late ? 'bad_signature' : 'unknown_key');
  }

  /** That several keys are given does not let one come after another. */
  #requireOneKey(note: string, size: number, place: Omit<LedgerFault, 'reason'>): void {
    if (this.proven.length > 0 || this.verifiers.length < 2) return;
    this.#signers = this.#signers.filter((one) => openCheckpoint(note, [one]).state === 'signed');
    if (this.#signers.length > 0) return;
    const reason = `the checkpoint of ${size} records is signed by another of the given keys than those before it, and no record changes the one for the other`;
    throw new Found({ ...place, reason }, 'unknown_key');
  }
}

function isSignedBy(note: string, vkey: string): boolean {
  try {
    return openCheckpoint(note, [parseVerifierKey(vkey)]).state === 'signed';
  } catch {
    return false;
  }
}
