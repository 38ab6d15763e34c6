/** A file to be written. */
export interface MirrorFile {
  /** Below the place, with slashes. */
  readonly name: string;
  readonly data: Uint8Array;
}

/**
 * Where the second copy of a ledger is. Names are those of the ledger's files. What is written is on disk when a call resolves; all of them throw the
 * system's error, or an `OutgoingError`.
 */
export interface MirrorPlace {
  /** Where that is, for people: it contains no secret. */
  readonly name: string;
  /** The files below a folder, or below the place for `''`, and how many bytes each has. */
  list(folder: string): Promise<Map<string, number>>;
  /** Bytes of a file from one on, `length` at most; undefined if it is missing. */
  read(name: string, from?: number, length?: number): Promise<Buffer | undefined>;
  /** Writes the end of a growing file from a byte on: whatever was after that goes. */
  append(name: string, from: number, data: Uint8Array): Promise<void>;
  /** Writes whole files, each over the one that is there. */
  put(files: readonly MirrorFile[]): Promise<void>;
  /** Deletes a file, or a folder with everything in it; what is missing is no error. */
  remove(name: string): Promise<void>;
  /** Ends what is under way. Safe twice. */
  close(): Promise<void>;
}

/** The text of a small file; undefined if it is missing. */
export async function textIn(place: MirrorPlace, name: string): Promise<string | undefined> {
  return (await place.read(name))?.toString();
}
