import { HASH_BYTES } from './merkle.ts';
import { type OpenedNote, openNote, parseNote, type Signer, type Verifier } from './note.ts';

/** A tree head: the content of a checkpoint (C2SP tlog-checkpoint). */
export interface TreeHead {
  /** Names the ledger. */
  readonly origin: string;
  /** Leaves of the tree. */
  readonly size: number;
  readonly root: Buffer;
}

/** A signed tree head, or the reason why it is not one. */
export type OpenedCheckpoint =
  | { readonly state: 'signed' | 'unknown_key'; readonly head: TreeHead }
  | { readonly state: Extract<OpenedNote['state'], 'forged' | 'malformed'> };

/** Signs a tree head, with one key or, while one comes after another, with both: the text of a checkpoint. */
export function signCheckpoint(
  { origin, size, root }: TreeHead,
  signer: Signer,
  ...others: readonly Signer[]
): string {
  const text = `${origin}\n${size}\n${root.toString('base64')}\n`;
  const lines = others.map((other) => other.sign(text).slice(text.length + 1));
  return signer.sign(text) + lines.join('');
}

/**
 * Reads a checkpoint and checks its signature. Signatures of others are ignored, and so are those of keys that were not in force;
 * but one of `verifiers` must be there.
 */
export function openCheckpoint(note: string, verifiers: readonly Verifier[]): OpenedCheckpoint {
  const size = parseHead(parseNote(note)?.text ?? '')?.size;
  const opened = openNote(
    note,
    verifiers.filter(({ term }) => !term || size === undefined || (term.from <= size && size <= term.to)),
  );
  if (opened.state === 'forged' || opened.state === 'malformed') return { state: opened.state };
  const head = parseHead(opened.text);
  return head ? { state: opened.state, head } : { state: 'malformed' };
}

/** The least lines of a checkpoint: origin, size, root, an empty one, one signature. */
export const CHECKPOINT_LINES = 5;

/** Whether two tree heads are of the same tree. */
export function isSameHead(one: TreeHead, other: TreeHead): boolean {
  return one.origin === other.origin && one.size === other.size && one.root.equals(other.root);
}

/** Reads the text of a checkpoint without extension lines: we write none, and must not accept unread ones. */
export function parseHead(text: string): TreeHead | undefined {
  const [, origin = '', digits = '', base64 = ''] =
    /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text) ?? [];
  const size = Number(digits);
  const root = Buffer.from(base64, 'base64');
  if (origin === '' || root.length !== HASH_BYTES || root.toString('base64') !== base64) return undefined;
  return Number.isSafeInteger(size) ? { origin, size, root } : undefined;
}
