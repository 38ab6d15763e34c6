import { defineTracer } from '../model/tracer.ts';
import { Batches } from '../persistence/batches.ts';
import { options } from './db-audit/options.ts';
import { postgresTable } from './db-audit/postgres.ts';
import { probe } from './db-audit/probe.ts';
import { type AuditRecord, auditRecord } from './db-audit/record.ts';
import { isOfOneRow } from './db-audit/sql-failure.ts';
import { sqliteTable } from './db-audit/sqlite.ts';

/** Rows in one statement. */
const MAX_BATCH = 1_000;
/** Rows that may wait for theirs. */
const MAX_WAITING = 10_000;
/** Milliseconds for the rows that wait at the end: a database that does not answer must not hold the process. */
const PATIENCE = 3_000;

/**
 * The conserver's documented database trail: a row for every event, in PostgreSQL or SQLite. A call is answered when its
 * row is committed. Events that come while a statement is under way share the next one.
 * @throws VconOtelError `FILE_UNUSABLE` from `create` where a file that the options name cannot be used
 */
export default defineTracer({
  options,
  audit: true,
  create(target, { name }) {
    const table = target.driver === 'sqlite' ? sqliteTable(target, name) : postgresTable(target, name);
    const rows = new Batches<AuditRecord>({
      write: (batch) => table.insert(batch),
      maxBatch: MAX_BATCH,
      maxWaiting: MAX_WAITING,
      divides: isOfOneRow,
    });
    return {
      trace: (_vconUuid, _event, _options, context) => rows.add(auditRecord(context)),
      traceBatch: (events) => Promise.allSettled(events.map((event) => rows.add(auditRecord(event)))),
      forceFlush: () => rows.flush(),
      shutdown: async () => {
        await rows.close(PATIENCE);
        await table.close();
      },
    };
  },
  probe: (target, { name, timeout }) => probe(target, name, timeout),
  erasure: {
    mentions: async (target, vcon) => (await import('./db-audit/erasure.ts')).mentions(target, vcon),
    erase: async (target, vcon, pseudonym) =>
      (await import('./db-audit/erasure.ts')).erase(target, vcon, pseudonym),
  },
  files: (target) => (target.driver === 'sqlite' ? ['', '-wal', '-shm'].map((end) => target.path + end) : []),
});
