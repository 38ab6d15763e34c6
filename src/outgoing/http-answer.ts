/** An answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case; several of one name are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decompressed. */
  readonly bytes: Buffer;
  /** {@link bytes}, read as UTF-8. */
  readonly text: string;
}
