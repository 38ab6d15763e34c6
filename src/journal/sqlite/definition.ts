import { z } from 'zod';
import { period } from '../../model/options/duration.ts';
import { fileSize } from '../../model/options/size.ts';
import { text } from '../../model/options/values.ts';
import { defineJournal } from '../journal-definition.ts';
import { onFull, whenFull } from '../on-full.ts';

/** Events are kept in a SQLite file. What needs SQLite is loaded when it is needed: on Node 22 the mere import prints a warning. */
export default defineJournal({
  options: z.strictObject({
    path: text.default('./data/journal.db'),
    retention: period().prefault('24h'),
    max_size: fileSize().prefault('1GiB'),
    on_full: onFull.default('block'),
  }),
  async create({ path, retention, max_size: maxSize, on_full }, { clock }) {
    const { sqliteJournal } = await import('../sqlite.ts');
    return sqliteJournal({ path, retention, maxSize, onFull: on_full, clock });
  },
  async admin({ path }, { clock }) {
    const { SqliteAdmin } = await import('./sqlite-admin.ts');
    return new SqliteAdmin(path, clock);
  },
  async probe(options) {
    const { probe } = await import('./probe.ts');
    return probe(options);
  },
  files: ({ path }) => ['', '-wal', '-shm', '-mark', '.lock'].map((end) => path + end),
  describe({ path, retention, max_size, on_full }) {
    const hours = (retention / 3_600_000).toLocaleString('en');
    const mebibytes = Math.round(max_size / 2 ** 20).toLocaleString('en');
    return [path, `heard events kept ${hours} h, at most ${mebibytes} MiB; ${whenFull(on_full)}`];
  },
});
