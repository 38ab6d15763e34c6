/** SQLite's primary result codes (sqlite.org/rescode.html) that are handled specially, or are likely. */
const CODES: Readonly<Record<number, string>> = {
  1: 'SQLITE_ERROR',
  5: 'SQLITE_BUSY',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  19: 'SQLITE_CONSTRAINT',
  26: 'SQLITE_NOTADB',
};

/** The name of SQLite's result code, if an error has one. */
export function sqliteCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  // The low byte is the primary code; the rest refines it.
  const code = Number(error.errcode) & 0xff;
  return CODES[code] ?? `SQLITE_${code}`;
}

/** Whether the file is not a database, or is damaged. */
export function isCorrupt(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB';
}

/** Whether somebody else holds a lock. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === 'SQLITE_BUSY';
}
