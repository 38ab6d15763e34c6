import type { z } from 'zod';
import { systemClock } from '../model/clock.ts';
import type { JournalAdmin } from './admin.ts';
import type { JournalDefinition } from './journal-definition.ts';
import { builtInJournals } from './registry.ts';

type Journals = typeof builtInJournals;

/** A journal as a configuration names it: its type and its options. */
export type JournalSection = {
  [Type in keyof Journals]: { readonly type: Type } & z.output<Journals[Type]['options']>;
}[keyof Journals];

/**
 * The administration of the journal that a configuration names; undefined where no other process can see it. Nothing is opened
 * before it is used.
 */
export async function openJournalAdmin({
  type,
  ...options
}: JournalSection): Promise<JournalAdmin | undefined> {
  const definition: JournalDefinition = builtInJournals[type];
  return definition.admin?.(options, { clock: systemClock });
}

/** As {@link openJournalAdmin}, of the journal in a file. */
export async function openFileAdmin(path: string): Promise<JournalAdmin> {
  const { SqliteAdmin } = await import('./sqlite/sqlite-admin.ts');
  return new SqliteAdmin(path, systemClock);
}
