import { type KeyObject, sign, verify } from 'node:crypto';
import { VconOtelError } from '../../model/error.ts';
import {
  keyPair,
  parseNote,
  parseSignatures,
  readVerifierKey,
  signatureLine,
  type Verifier,
} from './note.ts';

//  C2SP tlog-cosignature, its Ed25519 form (cosignature/v1).

/** A witness that signs: it states that a checkpoint is consistent with all that it saw of that log before. */
export interface Cosigner {
  readonly name: string;
  /** Its public half, as {@link parseWitnessKey} reads it. */
  readonly vkey: string;
  /**
   * Its signature line, with its line break, of a checkpoint's text.
   * @param time seconds since the Unix epoch
   */
  cosign(text: string, time: number): string;
}

/** A cosignature that holds. */
export interface Cosignature {
  readonly witness: Verifier;
  /** When it was made: milliseconds since the Unix epoch, to the second, as the witness says. */
  readonly time: number;
  /** The signature line, with its line break. */
  readonly line: string;
}

/**
 * Cosigns with the key of a key file, as `vcon-otel audit keygen --witness` creates it.
 * @throws VconOtelError `KEY_INVALID`
 */
export function cosignerOf(name: string, pem: string): Cosigner {
  const { id, vkey, key } = keyPair(name, pem, COSIGNATURE);
  return {
    name,
    vkey,
    cosign(text, time) {
      const stamp = Buffer.alloc(TIME_BYTES);
      stamp.writeBigUInt64BE(BigInt(time));
      return signatureLine(name, id, Buffer.concat([stamp, sign(null, message(text, BigInt(time)), key)]));
    },
  };
}

/**
 * Reads the verifier key of a witness (signature type 0x04).
 * @throws VconOtelError `KEY_INVALID`, also for the key of a ledger: one key must not stand for both
 */
export function parseWitnessKey(vkey: string): Verifier {
  const { type, ...verifier } = readVerifierKey(vkey);
  if (type === COSIGNATURE) return verifier;
  throw new VconOtelError(
    'KEY_INVALID',
    'this is not the verifier key of a witness (cosignature/v1, signature type 4): audit keygen --witness prints one',
  );
}

/**
 * The cosignatures of a checkpoint by known witnesses, the newest of each. Others are ignored.
 * @returns undefined where one that is to be of a known witness is not, or it is no note: then nothing in it counts
 */
export function cosignaturesOf(note: string, witnesses: readonly Verifier[]): Cosignature[] | undefined {
  const parsed = parseNote(note);
  return parsed && checked(parsed.text, parsed.signatures, witnesses);
}

/** As {@link cosignaturesOf}, of lines that a witness has answered with for a checkpoint's text. */
export function answeredCosignatures(
  text: string,
  lines: string,
  witnesses: readonly Verifier[],
): Cosignature[] | undefined {
  const signatures = parseSignatures(lines);
  return signatures && checked(text, signatures, witnesses);
}

function checked(
  text: string,
  signatures: NonNullable<ReturnType<typeof parseSignatures>>,
  witnesses: readonly Verifier[],
): Cosignature[] | undefined {
  const found = new Map<Verifier, Cosignature>();
  for (const { name, id, bytes, line } of signatures) {
    const witness = witnesses.find((known) => known.name === name && known.id === id);
    if (!witness) continue;
    const seconds = timeOf(text, bytes, witness.key);
    if (seconds === undefined) return undefined;
    const time = seconds * 1e3;
    if (time > (found.get(witness)?.time ?? 0)) found.set(witness, { witness, time, line });
  }
  return [...found.values()];
}

/** Seconds since the epoch; undefined where the signature is not one, or says no time. */
function timeOf(text: string, bytes: Buffer, key: KeyObject): number | undefined {
  if (bytes.length !== TIME_BYTES + ED25519_BYTES) return undefined;
  const time = bytes.readBigUInt64BE();
  const holds = verify(null, message(text, time), key, bytes.subarray(TIME_BYTES));
  return holds && time > 0n && time <= LATEST ? Number(time) : undefined;
}

function message(text: string, time: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
}

/** C2SP signed-note, signature types: timestamped Ed25519 cosignatures of checkpoints. */
const COSIGNATURE = 0x04;
const TIME_BYTES = 8;
const ED25519_BYTES = 64;
/** What a `Date` can say, in seconds. */
const LATEST = 8_640_000_000_000n;
