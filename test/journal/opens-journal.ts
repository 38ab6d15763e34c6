import { sqliteJournal } from '../../src/journal/sqlite.ts';

/** What a program preloads that starts its tracing before everything else. */
const journal = await sqliteJournal({ path: process.env.JOURNAL ?? '' });
console.log('open');
await journal.close();
console.log('closed');
