import { parseHead, type TreeHead } from '../proof/checkpoint.ts';
import { HASH_BYTES } from '../proof/merkle.ts';

/** What a log asks of a witness: the body of `add-checkpoint` (C2SP tlog-witness). */
export interface AddCheckpoint {
  /** What the witness is thought to have cosigned last, in leaves. */
  readonly oldSize: number;
  /** That the tree has grown from that one. */
  readonly proof: readonly Buffer[];
  /** The checkpoint, with its signatures. */
  readonly note: string;
}

/** Below the url of a witness. */
export const ADD_CHECKPOINT = 'add-checkpoint';
/** The media type of an answer that tells a size. */
export const SIZE_TYPE = 'text/x.tlog.size';

/** The body of a request. */
export function addCheckpointBody({ oldSize, proof, note }: AddCheckpoint): string {
  return [`old ${oldSize}`, ...proof.map((hash) => hash.toString('base64')), '', note].join('\n');
}

/** Reads a body; undefined for one of another form. */
export function parseAddCheckpoint(body: string): AddCheckpoint | undefined {
  const end = body.indexOf('\n\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = body.slice(0, end).split('\n');
  const oldSize = /^old (?:0|[1-9]\d{0,15})$/.test(first) ? Number(first.slice(4)) : Number.NaN;
  const proof = lines.map((line) => Buffer.from(line, 'base64'));
  const isProof = proof.every(
    (hash, i) => hash.length === HASH_BYTES && hash.toString('base64') === lines[i],
  );
  if (!Number.isSafeInteger(oldSize) || lines.length > MAX_PROOF || !isProof) return undefined;
  return { oldSize, proof, note: body.slice(end + 2) };
}

/** Lines of a consistency proof that the specification allows. */
const MAX_PROOF = 63;

/** Reads the text of any log's checkpoint: extension lines are cosigned with the rest, and say nothing to a witness. */
export function headOfAnyLog(text: string): TreeHead | undefined {
  const [origin, size, root, ...more] = text.split('\n');
  const extensions = more.slice(0, -1);
  return extensions.includes('') ? undefined : parseHead(`${origin}\n${size}\n${root}\n`);
}
