import { cleanText, displayWidth } from './terminal-text.ts';

/**
 * Rows of cells in columns, separated by two blanks; the first row is the head. Numbers are aligned right.
 * @returns each line with its line break
 */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const lines = [head, ...rows].map((cells) =>
    cells.map((cell) => cleanText(typeof cell === 'number' ? cell.toLocaleString('en') : cell)),
  );
  const widths = head.map((_, column) =>
    Math.max(...lines.map((cells) => displayWidth(cells[column] ?? ''))),
  );
  const isRight = head.map((_, column) => rows.some((cells) => typeof cells[column] === 'number'));
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => {
          const blanks = ' '.repeat((widths[column] ?? 0) - displayWidth(cell));
          return isRight[column] ? blanks + cell : cell + blanks;
        })
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
