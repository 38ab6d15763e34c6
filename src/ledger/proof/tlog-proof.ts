import { HASH_BYTES } from './merkle.ts';

/** A C2SP tlog-proof: that an entry is in the tree of a checkpoint. */
export interface TlogProof {
  /** The entry itself, in the part that the format leaves to the application: it is what it says only if the proof holds. */
  readonly entry: Buffer;
  readonly index: number;
  /** Base64, the leaf's sibling first. */
  readonly proof: readonly string[];
  /** A C2SP checkpoint, verbatim. */
  readonly checkpoint: string;
}

/** The text of a proof, as a file `<anything>.tlog-proof` has it. */
export function tlogProofText({ entry, index, proof, checkpoint }: TlogProof): string {
  const lines = [FIRST_LINE, `extra ${entry.toString('base64')}`, `index ${index}`, ...proof];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** The proofs of a text that has several, one after the other. Nothing in them is checked. */
export function splitTlogProofs(text: string): string[] {
  return text
    .split(new RegExp(`(?=^${FIRST_LINE.replaceAll('.', '\\.')}$)`, 'm'))
    .filter((part) => part !== '');
}

/** Whether a text is to be such a proof. */
export function isTlogProof(text: string): boolean {
  return text.startsWith(`${FIRST_LINE}\n`);
}

/** Reads a proof of which the extra data is the entry; undefined for anything else. */
export function parseTlogProof(text: string): TlogProof | undefined {
  const end = text.indexOf('\n\n');
  if (end === -1 || !isTlogProof(text)) return undefined;
  const [, extra = '', place = '', ...proof] = text.slice(0, end).split('\n');
  const [, base64] = /^extra ([A-Za-z0-9+/]+=*)$/.exec(extra) ?? [];
  const [, digits] = /^index (0|[1-9]\d{0,15})$/.exec(place) ?? [];
  if (base64 === undefined || digits === undefined) return undefined;
  if (!proof.every((line) => isBase64(line, HASH_BYTES)) || !isBase64(base64)) return undefined;
  return {
    entry: Buffer.from(base64, 'base64'),
    index: Number(digits),
    proof,
    checkpoint: text.slice(end + 2),
  };
}

function isBase64(text: string, bytes?: number): boolean {
  const data = Buffer.from(text, 'base64');
  return data.toString('base64') === text && (bytes === undefined || data.length === bytes);
}

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
