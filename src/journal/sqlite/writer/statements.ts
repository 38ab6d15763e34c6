import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** The prepared statements of a connection, each made when it is first wanted. */
export class Statements {
  readonly db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (!statement) {
      statement = this.db.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.prepare(sql).run(...values);
  }

  /** The first column of the first row, 0 where there is none. */
  number(sql: string, ...values: SQLInputValue[]): number {
    const row = this.prepare(sql).get(...values) ?? {};
    return Number(Object.values(row)[0] ?? 0);
  }
}
