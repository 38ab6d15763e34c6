import {
  existsSync,
  linkSync,
  lstatSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { errorType, VconOtelError } from '../../model/error.ts';
import { requirePlainFile } from '../../persistence/plain-file.ts';
import { replaceFile, replaceFileSync } from '../../persistence/replace-file.ts';
import { syncFolderSync } from '../../persistence/sync-path.ts';
import { KEY_FILE, NEXT_KEY_FILE, ROTATIONS_FILE, readText, VERIFIER_KEY_FILE } from '../directory.ts';
import { type KeyRotation, keysInForce, rotationsIn, rotationsOf } from '../keys/key-rotation.ts';
import { writeKeyFile } from '../keys/signing-key.ts';
import { signCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { inclusionProof } from '../proof/merkle.ts';
import {
  generateKey,
  isSameVerifier,
  parseVerifierKey,
  type Signer,
  signerOf,
  type Verifier,
} from '../proof/note.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { tlogProofText } from '../proof/tlog-proof.ts';
import type { LedgerSettings } from './ledger-settings.ts';
import type { RotationOrder } from './operator-deed.ts';
import { type LedgerRecord, parseLine } from './record.ts';
import { listSegments, recordLines } from './segments.ts';

/** The record of a change of keys. */
export type RotationRecord = Extract<LedgerRecord, { readonly event: 'key_rotated' }>;

/** A checkpoint, and what it says. */
export interface SignedHead {
  readonly note: string;
  readonly head: TreeHead;
}

/**
 * The keys of an open ledger: the one that signs, those before it and, while it is changed, the next. Until a checkpoint covers the
 * record of the change, both sign. Whatever ends the process in between, the next start either finishes the change or knows of none:
 * 1. the next private key is on disk (`signing-key.next.pem`, or a link to where it is)
 * 2. the record is: from then on the change is finished
 * 3. a checkpoint that covers it is, signed by both keys
 * 4. `rotations` has the proof of that, then `ledger.vkey` the next key, and the next private key takes the place of the former
 * 5. the next key signs alone
 */
export class OwnKeys {
  readonly #settings: LedgerSettings;
  #signer: Signer;
  #next: Signer | undefined;
  #verifiers: readonly Verifier[];

  constructor(settings: LedgerSettings) {
    const { directory, signer } = settings;
    this.#settings = settings;
    this.#signer = signer;
    this.#verifiers = keysInForce([parseVerifierKey(signer.vkey)], rotationsIn(directory));
  }

  get origin(): string {
    return this.#signer.name;
  }

  /** The verifier key of the one that signs. */
  get vkey(): string {
    return this.#signer.vkey;
  }

  /** Which keys may have signed which checkpoints, as of now. */
  readonly verifiers = (): readonly Verifier[] => this.#verifiers;

  /** Goes on where the last process ended. @param unsettled the record of a change that is not finished @throws VconOtelError `KEY_INVALID` */
  resume(unsettled: RotationRecord | undefined): void {
    const { directory } = this.#settings;
    const next = this.#nextSigner();
    if (unsettled) {
      if (unsettled.former_key !== this.#signer.vkey || unsettled.verifier_key !== next?.vkey)
        throw invalid(
          `the change of the key, from ${idOf(unsettled.former_key)} to ${idOf(unsettled.verifier_key)}, is not finished: both private keys must be where they were, the next one in ${NEXT_KEY_FILE}`,
        );
      this.#next = next;
      return;
    }
    if (next?.vkey === this.#signer.vkey) this.#takePlace(rotationsIn(directory).at(-1));
    const file = join(directory, VERIFIER_KEY_FILE);
    if (readText(file) !== `${this.#signer.vkey}\n`) replaceFileSync(file, `${this.#signer.vkey}\n`);
  }

  /** The text of a checkpoint. */
  sign(head: TreeHead): string {
    return signCheckpoint(head, this.#signer, ...(this.#next ? [this.#next] : []));
  }

  /**
   * Gets the next key, from a file or by making one, and lets it sign as well.
   * @returns what the record says of it
   * @throws VconOtelError `KEY_INVALID` where that key cannot come after the present one
   */
  begin({
    key_file,
    keep_former,
  }: RotationOrder): Pick<RotationRecord, 'former_key' | 'verifier_key' | 'former_private_key'> {
    const { directory } = this.#settings;
    const pem = key_file === undefined ? this.#made() : this.#given(key_file);
    const next = signerOf(this.origin, pem);
    const verifier = parseVerifierKey(next.vkey);
    if (this.#verifiers.some((known) => isSameVerifier(known, verifier)))
      throw invalid('the ledger has, or had, this very key: make another one');
    const path = join(directory, NEXT_KEY_FILE);
    // That of a change that did not come to be recorded: nobody knows who has it by now.
    rmSync(path, { force: true });
    if (key_file === undefined) writeKeyFile(path, pem);
    else symlinkSync(resolve(key_file), path);
    syncFolderSync(directory);
    this.#next = next;
    return {
      former_key: this.#signer.vkey,
      verifier_key: next.vkey,
      former_private_key: this.#isBeside && !keep_former ? 'removed' : 'kept',
    };
  }

  /** Gives up a change that is not recorded. */
  callOff(): void {
    this.#next = undefined;
  }

  /**
   * Finishes a change that a checkpoint covers: from then on the next key signs alone. The first checkpoint that does must be given, before
   * there is another one.
   * @throws VconOtelError `LEDGER_DAMAGED` where not both keys have signed it; the system's error: the next call goes on
   */
  async settle({ note, head }: SignedHead): Promise<void> {
    const next = this.#next;
    const found = next && this.#recorded(next, head.size);
    if (!found) return;
    const { directory, notice } = this.#settings;
    const tiles = new TileReader(directory, head.size);
    const siblings = inclusionProof(found.record.seq, head.size, (start, end) => tiles.root(start, end));
    const proof = siblings.map((hash) => hash.toString('base64'));
    const added = tlogProofText({ entry: found.line, index: found.record.seq, proof, checkpoint: note });
    const before = rotationsIn(directory).filter(({ seq }) => seq < found.record.seq);
    const text = before.map((one) => one.proof).join('') + added;
    const rotations = rotationsOf(text);
    if (rotations.length <= before.length)
      throw new VconOtelError('LEDGER_DAMAGED', 'the change of the key is not signed by both keys');
    await replaceFile(join(directory, ROTATIONS_FILE), text);
    await replaceFile(join(directory, VERIFIER_KEY_FILE), `${next.vkey}\n`);
    this.#takePlace(rotations.at(-1));
    this.#signer = next;
    this.#next = undefined;
    this.#verifiers = keysInForce([parseVerifierKey(next.vkey)], rotations);
    notice(
      'rotated',
      `the ledger is signed with another key from now on: give its verifier key to witnesses, monitors and auditors, ${next.vkey}`,
    );
  }

  /** The private key that is in force is a file of the ledger's own directory. */
  get #isBeside(): boolean {
    const { directory, keyFile } = this.#settings;
    const own = lstatSync(join(directory, KEY_FILE), { throwIfNoEntry: false });
    return keyFile === undefined && own?.isFile() === true;
  }

  #made(): string {
    if (this.#isBeside) return generateKey();
    throw invalid(
      'the private key is not beside the ledger: make the next one where it is (vcon-otel audit keygen), and name it with --key-file',
    );
  }

  /** Whoever can leave a request, and has no private key, must not bring one along: where the present one is, they cannot write. */
  #given(file: string): string {
    const { keyFile } = this.#settings;
    try {
      if (keyFile === undefined || folderOf(file) === folderOf(keyFile)) {
        requirePlainFile(file);
        return readFileSync(file, 'utf8');
      }
    } catch (error) {
      throw invalid(`the file of the next key cannot be read (${errorType(error)})`);
    }
    throw invalid('the next key must be in the same folder as the present one, which key_file names');
  }

  #nextSigner(): Signer | undefined {
    const pem = readText(join(this.#settings.directory, NEXT_KEY_FILE));
    return pem === undefined ? undefined : signerOf(this.origin, pem);
  }

  /** The next private key becomes that of the ledger. */
  #takePlace(change: KeyRotation | undefined): void {
    const { directory } = this.#settings;
    const [next, own] = [join(directory, NEXT_KEY_FILE), join(directory, KEY_FILE)];
    // Done by an earlier call.
    if (!existsSync(next)) return;
    if (change?.isFormerKept && this.#isBeside)
      keepAs(own, join(directory, `signing-key.${change.former.id}.pem`));
    renameSync(next, own);
    syncFolderSync(directory);
  }

  /** Every segment begins with a checkpoint, so a record that none covers is in the last. */
  #recorded(
    next: Signer,
    size: number,
  ): { readonly line: Buffer; readonly record: RotationRecord } | undefined {
    const { directory } = this.#settings;
    const segment = listSegments(directory).at(-1);
    for (const { text } of segment ? recordLines(directory, segment) : []) {
      if (!text.includes(next.vkey)) continue;
      const parsed = parseLine(text.toString());
      if (!('record' in parsed) || parsed.record.event !== 'key_rotated') continue;
      const { record } = parsed;
      if (record.verifier_key === next.vkey && record.seq < size) return { line: Buffer.from(text), record };
    }
    return undefined;
  }
}

function folderOf(file: string): string {
  return realpathSync(dirname(resolve(file)));
}

function keepAs(file: string, other: string): void {
  if (!existsSync(other)) linkSync(file, other);
}

/** The id in a verifier key. */
function idOf(vkey: string): string {
  return vkey.split('+', 2)[1] ?? '';
}

function invalid(text: string): VconOtelError {
  return new VconOtelError('KEY_INVALID', text);
}
