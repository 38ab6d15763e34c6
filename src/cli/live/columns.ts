import { displayWidth, fitText } from '../timeline/index.ts';

/** A column of a table. */
export interface TableColumn<Row> {
  readonly title: string;
  /** Clean text. */
  readonly text: (row: Row) => string;
  readonly align?: 'right';
  /** Columns with a higher number go first where there is no room; 0 stays. */
  readonly rank: number;
  readonly paint?: (row: Row, text: string) => string;
  /** Cells at most. */
  readonly most?: number;
}

/** Cells between two columns. */
const GAP = 2;

/** A table as lines of so many cells, its titles first; what does not fit goes, by rank. The first column takes what is left. */
export function tableLines<Row>(
  rows: readonly Row[],
  columns: readonly TableColumn<Row>[],
  cells: number,
  heading: (text: string) => string,
): string[] {
  const widths = columns.map(({ title, text, most = 40 }) =>
    Math.min(most, Math.max(displayWidth(title), ...rows.map((row) => displayWidth(text(row))))),
  );
  let kept = columns.map((column, at) => ({ column, width: widths[at] ?? 0 }));
  const needed = () => kept.reduce((all, { width }) => all + width + GAP, -GAP);
  while (needed() > cells) {
    const worst = Math.max(...kept.map(({ column }) => column.rank));
    if (worst === 0) break;
    kept = kept.filter(({ column }) => column.rank !== worst);
  }
  const [first] = kept;
  if (first && needed() > cells) first.width = Math.max(4, first.width - (needed() - cells));
  const line = (cell: (column: TableColumn<Row>, width: number) => string) =>
    kept.map(({ column, width }) => cell(column, width)).join(' '.repeat(GAP));
  return [
    heading(line(({ title, align }, width) => fitted(title, width, align))),
    ...rows.map((row) =>
      line(({ text, align, paint }, width) => {
        const shown = fitted(text(row), width, align);
        return paint ? paint(row, shown) : shown;
      }),
    ),
  ];
}

function fitted(text: string, width: number, align: 'right' | undefined): string {
  const missing = width - displayWidth(text);
  return align === 'right' && missing > 0 ? ' '.repeat(missing) + text : fitText(text, width);
}
