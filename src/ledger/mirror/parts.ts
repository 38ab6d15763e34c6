//  An object store has no append: a growing file is parts there, each an object that never changes, named `<file>.parts/<from>-<end>`. Many small parts
//  are written once more as one; until the small ones are gone, the larger one counts.

/** Bytes of a growing file, in an object of their own. */
export interface Part {
  readonly from: number;
  readonly end: number;
}

/** The object of a part. */
export function partKey(file: string, { from, end }: Part): string {
  return `${file}${MARK}${digits(from)}-${digits(end)}`;
}

/** Where the parts of a file are. */
export function partsFolder(file: string): string {
  return file + MARK;
}

/** Which part of which file an object is; undefined if it is none. */
export function partOf(key: string): { readonly file: string; readonly part: Part } | undefined {
  const [, file, from, end] = PART.exec(key) ?? [];
  return file === undefined ? undefined : { file, part: { from: Number(from), end: Number(end) } };
}

/** The parts that a file consists of: from byte 0 on, and where several begin at one byte, the longest. */
export function inOrder(parts: readonly Part[]): Part[] {
  const sorted = parts.toSorted((a, b) => a.from - b.from || b.end - a.end);
  const chosen: Part[] = [];
  let end = 0;
  for (const part of sorted) {
    if (part.from !== end || part.end <= end) continue;
    chosen.push(part);
    end = part.end;
  }
  return chosen;
}

/** Small parts at the end that are to be one; none where there are few of them. */
export function toFold(parts: readonly Part[]): readonly Part[] {
  const last = parts.findLastIndex(({ from, end }) => end - from >= SMALL);
  const tail = parts.slice(last + 1);
  return tail.length >= MANY ? tail : [];
}

const MARK = '.parts/';
const PART = /^(.+)\.parts\/(\d{16})-(\d{16})$/;
/** Bytes of a part that stays as it is. */
const SMALL = 1_048_576;
/** Small parts that a file has at most. */
const MANY = 64;

function digits(byte: number): string {
  return String(byte).padStart(16, '0');
}
