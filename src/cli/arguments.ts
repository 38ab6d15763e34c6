import { type Command, InvalidArgumentError, Option } from 'commander';
import type { JournalAdmin } from '../journal/admin.ts';
import { delay } from '../model/options/duration.ts';
import { isVconUuid } from '../model/vcon.ts';

/** Where an operator says that a journal is: a file, or a configuration that names it. */
export interface JournalPlace {
  readonly journal?: string;
  readonly config?: string;
}

/** Does something with the administration of a journal, and releases it. */
export type WithJournal = <T>(place: JournalPlace, work: (journal: JournalAdmin) => Promise<T>) => Promise<T>;

/** Adds the options of {@link JournalPlace} to a command. */
export function takesJournal(command: Command): Command {
  return command
    .addOption(
      new Option('--journal <path>', 'the journal file (default: that of serve)').conflicts('config'),
    )
    .option('--config <file>', 'the configuration that names the journal');
}

/** How many: a whole number. @throws InvalidArgumentError */
export function parseLimit(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}

/** A duration, in milliseconds. @throws InvalidArgumentError */
export function parseDelay(text: string): number {
  const { success, data } = delay().safeParse(text);
  if (!success) throw new InvalidArgumentError('It is a duration such as 500ms or 10s.');
  return data;
}

/** @throws InvalidArgumentError */
export function parseUuid(text: string): string {
  if (!isVconUuid(text)) throw new InvalidArgumentError('It is the uuid of a vCon.');
  return text;
}

/**
 * A name with `*` (any characters, none too) and `?` (one character) in it, as a test of names; everything else means itself.
 * Not `matchesGlob` of node:path: it is made for paths, so its `*` stops at a slash and a leading dot, which names may have.
 */
export function parseGlob(text: string): (name: string) => boolean {
  const pattern = text
    .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.');
  const whole = new RegExp(`^${pattern}$`, 'su');
  return (name) => whole.test(name);
}
