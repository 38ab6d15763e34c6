import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../model/clock.ts';
import { VconOtelError } from '../../../model/error.ts';
import type { ChainEvent } from '../../../model/event.ts';
import type { TailSettings } from '../../admin.ts';
import { inodeOf } from '../writer/file.ts';
import type { Pages } from '../writer/pages.ts';
import { lastOf } from './entry.ts';
import { type JournalFile, withJournalFile } from './journal-file.ts';

/** Milliseconds between two looks at a journal in which there was nothing new. */
const POLL = 200;
/** Events that are read at once: no transaction lasts longer than that, however slow the reader is. */
const ENOUGH = 1_000;

/**
 * Hands on the events of a journal as they are written, until the signal. A file that is not there is waited for, and one
 * that was put in its place is gone on with: where it continues the old one (the service wrote it), with the next event,
 * otherwise with what happened since the last look.
 * @throws VconOtelError `FILE_UNUSABLE` for a file that cannot be read at the beginning
 */
export async function tailJournal(path: string, clock: Clock, settings: TailSettings): Promise<void> {
  const { signal, remark } = settings;
  const place: Place = { after: undefined, eventId: undefined, isExact: false, looked: clock.now() };
  let isFirst = true;
  let said = '';
  const say = (sentence: string): void => {
    if (sentence !== said) remark(sentence);
    said = sentence;
  };
  while (!signal.aborted) {
    try {
      const inode = inodeOf(path);
      if (inode === undefined)
        say(
          place.after === undefined
            ? `There is no journal ${path} yet: waiting for it`
            : `The journal ${path} is gone: waiting for it`,
        );
      else
        await withJournalFile(path, 'read', clock, async (file) => {
          const from = place.after;
          find(file, place, settings.last, isFirst);
          say(
            from === undefined
              ? `Following ${path}`
              : `The journal ${path} is another file now: following that`,
          );
          said = '';
          isFirst = false;
          await readOn(file, inode, place, settings);
        });
      isFirst = false;
      if (inode === undefined) await pause(clock, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (isFirst || !(error instanceof VconOtelError)) throw error;
      say(`${error.message}: waiting until it can be read`);
      await pause(clock, signal);
    }
  }
}

/** How far a journal was read. */
interface Place {
  /** The seq of the last event; undefined as long as no file was there. */
  after: number | undefined;
  /** The id of that event, where there is one. */
  eventId: string | undefined;
  /** Whether the event after that one must be the next. */
  isExact: boolean;
  /** When the journal was looked at last, milliseconds since the Unix epoch. */
  looked: number;
}

/** Where to begin in a file that was just opened. */
function find(file: JournalFile, place: Place, last: number, isFirst: boolean): void {
  if (place.after !== undefined && isContinued(file, place.after, place.eventId)) return;
  const end = lastOf(file);
  if (isFirst) {
    place.after = last === 0 ? end : beforeNewest(file, last);
  } else {
    place.after = firstSince(file, place.looked) ?? end;
  }
  place.eventId = idAt(file, place.after);
  place.isExact = false;
}

/** Whether a file goes on where another one was read up to: it has the same event there, or begins after it. */
function isContinued(file: JournalFile, after: number, eventId: string | undefined): boolean {
  const found = idAt(file, after);
  if (found !== undefined) return found === eventId;
  const isBehind = file.pages.ranges(0, after).length > 0;
  return !isBehind && lastOf(file) >= after;
}

/** The seq before the newest so many events. */
function beforeNewest({ pages }: JournalFile, count: number): number {
  let left = count;
  for (const { first, last } of pages.ranges(0, Number.MAX_SAFE_INTEGER).reverse()) {
    if (last - first + 1 > left) return last - left;
    left -= last - first + 1;
  }
  return 0;
}

/** The seq before the first event that happened from a time on; undefined where there is none. */
function firstSince({ db, pages }: JournalFile, time: number): number | undefined {
  const found = db.prepare('select first from page where newest >= ? order by first limit 1').get(time);
  const kept = found && pages.of(Number(found.first));
  if (!kept) return undefined;
  let at = 0;
  while (kept.page.time(at) < time) at += 1;
  return kept.first + at - 1;
}

function idAt({ pages }: JournalFile, seq: number): string | undefined {
  const found = pages.of(seq);
  return found?.page.event(seq - found.first).eventId;
}

/** Reads on until another file, or none, stands at the path. @param inode of the file when it was opened */
async function readOn(
  { path, pages, clock }: JournalFile,
  inode: number,
  place: Place,
  { signal, take, remark }: TailSettings,
): Promise<void> {
  while (inodeOf(path) === inode) {
    signal.throwIfAborted();
    const now = clock.now();
    const after = place.after ?? 0;
    const rows = read(pages, after);
    place.looked = now;
    const end = rows.at(-1);
    if (end) {
      place.after = end.seq;
      place.eventId = end.event.eventId;
      const missing = end.seq - after - rows.length;
      // The service gives numbers without gaps, and removes what everybody has heard.
      if (place.isExact && missing > 0) remark(`${missing} events were removed before they could be shown`);
      place.isExact = true;
      await take(rows.map(({ event }) => event));
    }
    if (rows.length >= ENOUGH) await turn(undefined, { signal });
    else await pause(clock, signal);
  }
}

/** The next events, about as many as are wanted. */
function read(pages: Pages, after: number): { readonly seq: number; readonly event: ChainEvent }[] {
  const rows: { readonly seq: number; readonly event: ChainEvent }[] = [];
  for (const { first, last, page } of pages.between(after, Number.MAX_SAFE_INTEGER)) {
    if (rows.length >= ENOUGH) break;
    for (let seq = Math.max(first, after + 1); seq <= last; seq += 1)
      rows.push({ seq, event: page.event(seq - first) });
  }
  return rows;
}

/** Waits a little, but not beyond the end. */
function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      callOff();
      signal.removeEventListener('abort', over);
      resolve();
    };
    const callOff = clock.after(POLL, over);
    signal.addEventListener('abort', over);
  });
}
