import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import { storedEvents } from '../journal/stored-events.ts';
import { numberedEvent, numberOf } from './numbered-events.ts';
import { say } from './say.ts';

// Feeds a journal as fast as it can from a number on, while a consumer reads and settles, until it is killed; or, with
// `drain`, has the consumer hear what is left, and closes.

/** What it tells. Numbers are those of events. */
export type KillMessage =
  /** Milliseconds until the consumer could read; what is in the file beyond the seq that was asked for, in its order. */
  | {
      readonly started: number;
      readonly stored: readonly number[];
      readonly count: number;
      readonly lastSeq: number;
    }
  | { readonly given: readonly number[] }
  /** Said before it is done. */
  | { readonly settling: readonly number[] }
  /** Everything up to an event is durable, and so are so many of the settled events, in their order. */
  | { readonly durable: number; readonly settled: number }
  | { readonly dropped: number }
  | { readonly trouble: string }
  | { readonly drained: true };

const CHUNK = 500;
const CHUNKS_UNDER_WAY = 10;
/** Events that are kept in hand while later ones are settled. */
const HELD = 200;
/** Answers that one transaction takes at least (`group-commit.ts`). */
const ANSWERS = 5_000;

const [mode, path = '', first = '', afterSeq = ''] = process.argv.slice(2);
const began = performance.now();
const held: ChainEvent[] = [];
let settled = 0;
let settledForCertain = 0;
let isOpen = false;

const journal = await sqliteJournal({ path });
journal.observe({ onTrouble: (trouble) => say({ trouble }) });
let unread = 0;
let isReadable = false;
let isReading = false;
const reader = await journal.consumer('reader', {
  onReadable: () => {
    isReadable = true;
    if (isOpen) void read();
  },
  onCounts: (counts) => {
    unread = counts.unread;
  },
  onDrop: (events) => {
    for (const { eventId } of events) say({ dropped: numberOf(eventId) });
  },
  onSkip: () => {},
});
isOpen = true;
void read();
say({ started: performance.now() - began, ...stored(Number(afterSeq)) });
if (mode === 'drain') await drain();
else await feed(Number(first));

async function feed(from: number): Promise<void> {
  const underWay: Promise<void>[] = [];
  for (let n = from; ; ) {
    const certain = Math.min(settled, settledForCertain + ANSWERS);
    const next = n + CHUNK;
    const chunk = Array.from({ length: CHUNK }, (_, index) => numberedEvent(n + index));
    underWay.push(
      journal.append(chunk).then(() => {
        settledForCertain = Math.max(settledForCertain, certain);
        say({ durable: next - 1, settled: settledForCertain });
      }),
    );
    n = next;
    if (underWay.length === CHUNKS_UNDER_WAY) await underWay.shift();
    else await turn();
  }
}

async function drain(): Promise<void> {
  while (unread > 0) await turn();
  settle(held.splice(0));
  await journal.close();
  say({ drained: true });
}

async function read(): Promise<void> {
  if (isReading) return;
  isReading = true;
  while (isReadable) {
    isReadable = false;
    for (;;) {
      const { events } = await reader.read(CHUNK);
      if (events.length === 0) break;
      say({ given: events.map(({ eventId }) => numberOf(eventId)) });
      held.push(...events.filter(isSlow));
      settle([...events.filter((event) => !isSlow(event)), ...held.splice(0, held.length - HELD)]);
    }
  }
  isReading = false;
}

function settle(events: readonly ChainEvent[]): void {
  say({ settling: events.map(({ eventId }) => numberOf(eventId)) });
  reader.report(
    events.map((event) => ({
      event,
      outcome: 'ok',
      delivery: { attempts: 1, since: event.time, duration: 0, errorType: undefined },
    })),
  );
  settled += events.length;
}

function isSlow({ eventId }: ChainEvent): boolean {
  return numberOf(eventId) % 10 === 3;
}

/** What is in the file, as another process would see it. */
function stored(after: number) {
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = storedEvents(db, after);
  const count = Number(db.prepare('select coalesce(sum(last - first + 1), 0) as n from page').get()?.n);
  db.close();
  return {
    stored: rows.map(({ event }) => numberOf(event.eventId)),
    count,
    lastSeq: rows.at(-1)?.seq ?? after,
  };
}
