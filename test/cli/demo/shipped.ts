import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../../../examples/vcons/', import.meta.url);

/** The vCons that ship with the project, by file name without `.vcon.json`, in the order the demo runs them. */
export const shipped: ReadonlyMap<string, string> = new Map(
  readdirSync(FOLDER)
    .filter((file) => file.endsWith('.vcon.json'))
    .sort()
    .map((file) => [file.replace('.vcon.json', ''), readFileSync(new URL(file, FOLDER), 'utf8')]),
);

/** The text of one of them. */
export function shippedText(name: string): string {
  const text = shipped.get(name);
  if (text === undefined) throw new Error(`no vCon ${name} is shipped`);
  return text;
}

/** The page about them. */
export const readme = readFileSync(new URL('../vcons.md', FOLDER), 'utf8');
