import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';
import { formatPath } from './path.ts';

/** Where in a file a key stands, in words: `line 3, column 12`. */
export type PlaceOf = (path: string) => string | undefined;

/** Finds the keys of a file by their paths; what is not there (a key that is missing) is where it should be. */
export function placesIn(document: Document.Parsed, lines: LineCounter): PlaceOf {
  const places = new Map<string, number>();
  collect(document.contents, [], places);
  return (path) => {
    for (let at = path; at !== ''; at = above(at)) {
      const offset = places.get(at);
      if (offset === undefined) continue;
      const { line, col } = lines.linePos(offset);
      return `line ${line}, column ${col}`;
    }
    return undefined;
  };
}

/** What an alias leads to stands where its anchor is, and has other paths there. */
function collect(node: Node | null, path: readonly PropertyKey[], places: Map<string, number>): void {
  if (node === null || isAlias(node)) return;
  if (isMap(node))
    for (const { key, value } of node.items) {
      if (!isScalar(key) || !key.range) continue;
      const at = [...path, String(key.value)];
      places.set(formatPath(at), key.range[0]);
      collect(value as Node | null, at, places);
    }
  else if (isSeq(node))
    for (const [i, item] of (node.items as Node[]).entries()) {
      const at = [...path, i];
      if (item.range) places.set(formatPath(at), item.range[0]);
      collect(item, at, places);
    }
}

/** The path without its last key. */
function above(path: string): string {
  return path.replace(/(?:\.[^.[\]"]+|\[\d+\]|\["(?:[^"\\]|\\.)*"\]|^[^.[\]]+)$/, '');
}
