/** A statement of the conserver's two pages on tracers, or of how OpenTelemetry is to be used, and what becomes of it here. */
export interface Item {
  /** The row of docs/from-the-documentation.md. */
  readonly id: string;
  /** The statement, in a few words of our own. */
  readonly says: string;
  /** Whether ours differs; the page says why. */
  readonly differs: boolean;
  /** Tries it; rejects if it is not so. */
  readonly tried: () => void | Promise<void>;
}

/** As documented. */
export function same(id: string, says: string, tried: Item['tried']): Item {
  return { id, says, differs: false, tried };
}

/** Not as documented, on purpose. */
export function differs(id: string, says: string, tried: Item['tried']): Item {
  return { id, says, differs: true, tried };
}
