import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import type { ChainEvent } from '../../src/model/event.ts';
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

const journal = await sqliteJournal({ path });
journal.listen({ onRepeat: () => {}, onTrouble: (trouble) => say({ trouble }) });
const { promise: readable, resolve: isReadable } = Promise.withResolvers<void>();
const reader = journal.consumer('reader', {
  onReadable: () => {
    isReadable();
    read();
  },
  onDrop: ({ eventId }) => say({ dropped: numberOf(eventId) }),
  onSkip: () => {},
});
await readable;
say({ started: performance.now() - began, ...stored(Number(afterSeq)) });
if (mode === 'drain') await drain();
else await feed(Number(first));

async function feed(from: number): Promise<void> {
  const underWay: Promise<void>[] = [];
  for (let n = from; ; ) {
    const certain = Math.min(settled, settledForCertain + ANSWERS);
    const next = n + CHUNK;
    for (; n < next; n += 1) journal.append(numberedEvent(n));
    underWay.push(
      journal.durable().then(() => {
        settledForCertain = Math.max(settledForCertain, certain);
        say({ durable: next - 1, settled: settledForCertain });
      }),
    );
    if (underWay.length === CHUNKS_UNDER_WAY) await underWay.shift();
    else await turn();
  }
}

async function drain(): Promise<void> {
  while (reader.unread > 0) await turn();
  settle(held.splice(0));
  await journal.close();
  say({ drained: true });
}

function read(): void {
  for (let events = reader.read(CHUNK); events.length > 0; events = reader.read(CHUNK)) {
    say({ given: events.map(({ eventId }) => numberOf(eventId)) });
    held.push(...events.filter(isSlow));
    settle([...events.filter((event) => !isSlow(event)), ...held.splice(0, held.length - HELD)]);
  }
}

function settle(events: readonly ChainEvent[]): void {
  say({ settling: events.map(({ eventId }) => numberOf(eventId)) });
  for (const event of events)
    reader.settle(event, 'ok', { attempts: 1, since: event.time, duration: 0, errorType: undefined });
  settled += events.length;
}

function isSlow({ eventId }: ChainEvent): boolean {
  return numberOf(eventId) % 10 === 3;
}

/** What is in the file, as another process would see it. */
function stored(after: number) {
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db
    .prepare(
      `select seq, run_id || '/' || step as id from event join run using (run) where seq > ? order by seq`,
    )
    .all(after);
  const count = Number(db.prepare('select count(*) as n from event').get()?.n);
  db.close();
  return {
    stored: rows.map(({ id }) => numberOf(String(id))),
    count,
    lastSeq: Number(rows.at(-1)?.seq ?? after),
  };
}
