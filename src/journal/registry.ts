import memory from './memory/definition.ts';
import sqlite from './sqlite/definition.ts';

/** The journals, by their type in a configuration. What they need is loaded when they are made. */
export const builtInJournals = { sqlite, memory };

/** The type of a journal of which nothing is written: a program must not find files that it never asked for. */
export const DEFAULT_JOURNAL = 'memory';

/** The same in a file, whose writer wants a service, which must not forget. */
export const DEFAULT_JOURNAL_OF_A_FILE = 'sqlite';
