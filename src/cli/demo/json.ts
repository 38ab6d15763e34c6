/** Whether something read from JSON is an object with members. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a list that may hold anything or be missing, each with its index. */
export function recordsOf(list: unknown): [index: number, record: Record<string, unknown>][] {
  if (!Array.isArray(list)) return [];
  return [...list.entries()].filter((entry): entry is [number, Record<string, unknown>] =>
    isRecord(entry[1]),
  );
}

/**
 * The body of an analysis or attachment. Drafts keep JSON as a string beside `encoding: "json"`, the conserver
 * keeps it as it is. A string that claims to be JSON and is not counts as text.
 */
export function bodyOf({ body, encoding }: Record<string, unknown>): unknown {
  if (encoding !== 'json' || typeof body !== 'string') return body;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
