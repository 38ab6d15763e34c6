import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { ErasedVcon, Mention } from '../../../model/erasure.ts';
import type { ChainEvent } from '../../../model/event.ts';
import type { EntryWithout } from '../../admin.ts';
import { blockOf, bodiesOf } from '../input-block.ts';
import type { Page } from '../page.ts';
import { lock } from '../writer/lock.ts';
import { type KeptPage, Pages } from '../writer/pages.ts';
import type { JournalFile } from './journal-file.ts';
import { step } from './short-steps.ts';

/** Counts what names a vCon: events, entries of the input log, and whatever cannot be looked into. */
export async function mentionsInJournal(
  file: JournalFile,
  { spellings }: ErasedVcon,
  without: EntryWithout,
): Promise<readonly Mention[]> {
  let [events, entries, lost, unread] = [0, 0, 0, 0];
  const pages = new Pages(file.sql, ({ first, last }) => {
    lost += last - first + 1;
  });
  for (const { page } of pagesOf(pages, spellings)) events += placesIn(page, spellings).length;
  for (const { bodies } of blocks(file))
    for (const body of bodies) {
      if (!body) unread += 1;
      else if (await without(body, spellings, NOBODY)) entries += 1;
    }
  const aside = setAside(file.path).length;
  return [
    { what: 'events', count: events },
    { what: 'entries of the input log', count: entries },
    {
      what: 'entries of the input log that cannot be read',
      count: unread,
      stays: 'they go with the part of the log that they are in, once no open run needs it',
    },
    {
      what: 'events that cannot be read',
      count: lost,
      stays: 'the next service that comes upon them removes them',
    },
    {
      what: 'damaged journals',
      count: aside,
      stays: `${file.path}.corrupt-… cannot be looked into: delete them`,
    },
  ];
}

/**
 * Puts a pseudonym in the place of a vCon's uuid, and forgets what its documents hashed to. Seqs, ids and what became of events stay as they are. In short
 * steps: interrupted, it can be done again.
 * @throws VconOtelError `JOURNAL_IN_USE`
 */
export async function eraseInJournal(
  file: JournalFile,
  { spellings }: ErasedVcon,
  pseudonym: string,
  without: EntryWithout,
): Promise<void> {
  const held = lock(file.path);
  try {
    const { db, sql } = file;
    // What is written over or deleted is gone from the file, too.
    db.exec('pragma secure_delete = on');
    // Entries first: the hashes in them are known by the events.
    const hashes = hashesOf(file, spellings);
    for (const { place, bodies } of blocks(file)) {
      const changed = await Promise.all(
        bodies.map(async (body) => body && (await without(body, spellings, pseudonym, hashes))),
      );
      if (!changed.some((body) => body !== undefined)) continue;
      const block = blockOf(bodies.map((body, at) => changed[at] ?? body ?? UNREADABLE));
      await step(file, () => sql.run('update input set block = ? where place = ?', block, place));
    }
    for (const { first } of [...rangesOf(file, spellings)])
      await step(file, () => {
        const kept = file.pages.of(first);
        if (kept) file.pages.rewrite(kept, (event) => renamed(event, spellings, pseudonym));
      });
    // What was deleted before, and the write-ahead log, may have it still.
    db.exec('vacuum');
    db.prepare('pragma wal_checkpoint(truncate)').get();
  } finally {
    held.release();
  }
}

/** Only to see whether an entry names somebody. */
const NOBODY = '00000000-0000-0000-0000-000000000000';
/** An entry that nobody could read any more. */
const UNREADABLE = new Uint8Array();

function* pagesOf(pages: Pages, spellings: readonly string[]): Generator<KeptPage> {
  for (const kept of pages.between(0, Number.MAX_SAFE_INTEGER))
    if (spellings.some((uuid) => kept.page.says(uuid))) yield kept;
}

function* rangesOf({ pages }: JournalFile, spellings: readonly string[]) {
  for (const { first, last } of pagesOf(pages, spellings)) yield { first, last };
}

/** Which events of a page are of the vCon. */
function placesIn(page: Page, spellings: readonly string[]): number[] {
  return Array.from({ length: page.count }, (_, at) => at).filter((at) =>
    page.uuids(at).some((uuid) => spellings.includes(uuid)),
  );
}

function hashesOf({ pages }: JournalFile, spellings: readonly string[]): string[] {
  const hashes = new Set<string>();
  for (const { page } of pagesOf(pages, spellings))
    for (const at of placesIn(page, spellings)) {
      const { vconSha256 } = page.event(at);
      if (vconSha256 !== undefined) hashes.add(vconSha256);
    }
  return [...hashes];
}

function renamed(event: ChainEvent, spellings: readonly string[], pseudonym: string): ChainEvent {
  const [inVconUuid, outVconUuid] = [event.inVconUuid, event.outVconUuid].map((uuid) =>
    spellings.includes(uuid) ? pseudonym : uuid,
  ) as [string, string];
  if (inVconUuid === event.inVconUuid && outVconUuid === event.outVconUuid) return event;
  return { ...event, inVconUuid, outVconUuid, vconSha256: undefined };
}

/** The input log, a block at a time. */
function* blocks({ sql }: JournalFile) {
  const places = sql.prepare('select place from input order by place').all();
  const read = sql.prepare('select last, block from input where place = ?');
  for (const { place } of places) {
    const row = read.get(Number(place));
    if (!row) continue;
    const count = Number(row.last) - Number(place) + 1;
    yield { place: Number(place), bodies: bodiesOf(row.block as Uint8Array, count) };
  }
}

/** Journals that were set aside because they were damaged. */
function setAside(path: string): string[] {
  const beginning = `${basename(path)}.corrupt-`;
  return readdirSync(dirname(path)).filter(
    (name) => name.startsWith(beginning) && !/-(?:wal|shm)$/.test(name),
  );
}
