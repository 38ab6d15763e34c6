import { hash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readLines } from '../../persistence/read-lines.ts';
import { opened } from './dsse.ts';
import { LinkStatement } from './statement.ts';

//  Envelopes in a file for each UTC day: an in-toto bundle, JSON Lines (in-toto/attestation, spec/v1/bundle.md).

/** The file of a UTC day. */
export function fileOfDay(day: string): string {
  return `attestations-${day}.intoto.jsonl`;
}

const FILE_NAME = /^attestations-(\d{4}-\d{2}-\d{2})\.intoto\.jsonl$/;

/** A file of envelopes. */
export interface AttestationFile {
  readonly name: string;
  readonly path: string;
  /** Its UTC day. */
  readonly day: string;
  /** Bytes. */
  readonly size: number;
}

/** The files in a tracer's directory, oldest first. */
export function attestationFiles(directory: string): AttestationFile[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .sort()
    .flatMap((name) => {
      const [, day] = FILE_NAME.exec(name) ?? [];
      const path = join(directory, name);
      return day === undefined ? [] : [{ name, path, day, size: statSync(path).size }];
    });
}

/** A line of such a file. */
export interface EnvelopeLine {
  readonly text: string;
  /** The byte at which it starts, and the one after it. */
  readonly offset: number;
  readonly end: number;
  /** False for one that a crash left unfinished, or that is too long. */
  readonly whole: boolean;
}

/** Reads a file's lines, without the empty ones. @param offset the byte to start from */
export function* envelopeLines({ path }: AttestationFile, offset = 0): Generator<EnvelopeLine> {
  for (const { text, offset: at, whole } of readLines(path, { longest: LONGEST_LINE, offset }))
    if (text.length > 0) yield { text: text.toString(), offset: at, end: at + text.length, whole };
}

/** Bytes. Chains of many thousand links have long ones. */
const LONGEST_LINE = 16 * 1_024 * 1_024;

/** SHA-256 of a line, in hex: what the ledger records of it. */
export function lineHash(text: string): string {
  return hash('sha256', text, 'hex');
}

/** An envelope that was kept lately. */
export interface LateEnvelope {
  readonly text: string;
  readonly statement: LinkStatement;
}

/** The envelopes at the end of the newest two files, in order: what a repeated delivery may be of. Not verified. */
export function* lateEnvelopes(directory: string): Generator<LateEnvelope> {
  for (const file of attestationFiles(directory).slice(-2)) {
    const from = Math.max(0, file.size - LATE);
    let isFirst = from > 0;
    for (const { text } of envelopeLines(file, from)) {
      // Where reading begins, a line is cut.
      if (isFirst) {
        isFirst = false;
        continue;
      }
      const envelope = opened(text, []);
      const statement =
        envelope.state === 'malformed' ? undefined : LinkStatement.safeParse(envelope.payload).data;
      if (statement) yield { text, statement };
    }
  }
}

/** Bytes: far more envelopes than, after a crash, the tracer has had without its journal knowing. */
const LATE = 16 * 1_024 * 1_024;
