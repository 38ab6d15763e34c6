import { type Finding, ok, problem, warning } from '../../model/finding.ts';

/** A column of the table as it is. */
export interface Column {
  readonly name: string;
  /** Whether a row without it is refused. */
  readonly isRequired: boolean;
  /** Whether no two rows may have the same value in it. */
  readonly isKey: boolean;
  /** Whether an index begins with it. */
  readonly isIndexed: boolean;
  readonly mayInsert: boolean;
  readonly maySelect: boolean;
}

/** The columns that the conserver's page on tracers documents, by the types that they have in PostgreSQL. */
const DOCUMENTED = { vcon_uuid: 'text', event: 'text', timestamp: 'timestamptz', metadata: 'jsonb' } as const;
const documented = Object.keys(DOCUMENTED) as (keyof typeof DOCUMENTED)[];

/** Ours, by which a repeat is recognised. */
const ID = 'event_id';

/** How a row is to be written to the table as it is. */
export interface Layout {
  /** Whether `event_id` has a column; without one it is in `metadata`. */
  readonly hasId: boolean;
  /**
   * How a row that is there already is recognised: by its unique id, by a look for an equal row, or not at all, since
   * without an index every look would read the whole table.
   */
  readonly repeats: 'by_id' | 'by_look' | 'unknown';
}

/** What the columns of a table allow. */
export function layoutOf(columns: readonly Column[]): Layout {
  const id = columns.find(({ name }) => name === ID);
  if (id?.isKey) return { hasId: true, repeats: 'by_id' };
  const mayLook = documented.every((name) =>
    columns.some((column) => column.name === name && column.maySelect),
  );
  const isQuick = columns.some(({ name, isIndexed }) => name === 'vcon_uuid' && isIndexed);
  return { hasId: id !== undefined, repeats: mayLook && isQuick ? 'by_look' : 'unknown' };
}

/**
 * What is wrong with a table in PostgreSQL, or should be known of it, and the statement that mends it.
 * @param table as it stands in SQL
 * @param user who writes
 */
export function postgresFindings(table: string, columns: readonly Column[], user: string): Finding[] {
  const additions = missingIn(columns).map((name) => `ADD COLUMN "${name}" ${DOCUMENTED[name]}`);
  if (additions.length > 0) return [lacking(table, columns, `ALTER TABLE ${table} ${additions.join(', ')}`)];
  const optional = strangeIn(columns).map((name) => `ALTER COLUMN "${name}" DROP NOT NULL`);
  if (optional.length > 0) return [wanting(table, columns, `ALTER TABLE ${table} ${optional.join(', ')}`)];
  const layout = layoutOf(columns);
  const written = columns.filter(({ name }) => isOurs(name));
  const looked = layout.repeats === 'by_id' ? written.filter(({ name }) => name === ID) : [];
  if (written.every(({ mayInsert }) => mayInsert) && looked.every(({ maySelect }) => maySelect))
    return [ok(`rows can be written to its table ${table}`), ...aboutRepeats(table, columns, layout)];
  const seen = layout.repeats === 'by_id' ? ID : documented.map((name) => `"${name}"`).join(', ');
  return [
    problem(
      `${user} may not write to the table ${table}`,
      `GRANT INSERT, SELECT (${seen}) ON ${table} TO the user`,
    ),
  ];
}

/** The same of a table in SQLite, where everybody may write, and where this tracer makes the index that it needs. */
export function sqliteFindings(table: string, columns: readonly Column[]): Finding[] {
  const additions = missingIn(columns).map((name) => `ALTER TABLE ${table} ADD COLUMN "${name}" TEXT`);
  if (additions.length > 0) return [lacking(table, columns, additions.join('; '))];
  if (strangeIn(columns).length > 0) return [wanting(table, columns)];
  return [ok(`rows can be written to its table ${table}`)];
}

function missingIn(columns: readonly Column[]) {
  return documented.filter((name) => !columns.some((column) => column.name === name));
}

/** Columns that a row must have, and that nobody here fills. */
function strangeIn(columns: readonly Column[]): string[] {
  return columns.filter(({ name, isRequired }) => isRequired && !isOurs(name)).map(({ name }) => name);
}

function lacking(table: string, columns: readonly Column[], statement: string): Finding {
  return problem(
    `its table ${table} has no column ${missingIn(columns).join(', ')}: no row can be written`,
    `${statement}, or name another table`,
  );
}

function wanting(table: string, columns: readonly Column[], statement = 'name another table'): Finding {
  return problem(
    `its table ${table} wants ${strangeIn(columns).join(', ')}, which this tracer does not know: no row can be written`,
    statement,
  );
}

/** How a row that is sent again is recognised, where that is not certain, and the statement that makes it so. */
function aboutRepeats(table: string, columns: readonly Column[], { hasId, repeats }: Layout): Finding[] {
  if (repeats === 'by_id') return [];
  const lack = hasId ? `nothing keeps ${ID} unique` : `it has no column ${ID}`;
  const isIndexed = columns.some((column) => column.name === 'vcon_uuid' && column.isIndexed);
  const why = isIndexed ? '' : ', since without an index on vcon_uuid it cannot be looked for';
  const recognised =
    repeats === 'by_look'
      ? 'a row that is sent again is looked for, which two adapters at once may both do in vain'
      : `a row that is sent again after a crash is there twice${why}`;
  const addition = hasId ? `UNIQUE (${ID})` : `COLUMN ${ID} text UNIQUE`;
  return [
    warning(
      `${lack} in its table ${table}: ${recognised}`,
      `ALTER TABLE ${table} ADD ${addition}; then start the service again`,
    ),
  ];
}

function isOurs(name: string): boolean {
  return name === ID || documented.some((ours) => ours === name);
}
