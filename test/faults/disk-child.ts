import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { VconOtelError } from '../../src/model/error.ts';
import { numberedEvent, numberOf } from './numbered-events.ts';
import { say } from './say.ts';

// A small piece of work with a journal, whose file operations somebody makes fail: opens it, appends events in groups,
// waits for each group, has a consumer settle half of them, closes (or crashes, if so told).

/** What it tells. Numbers are those of events. */
export type DiskMessage =
  /** It could not begin, and said why. */
  | { readonly refused: string; readonly why: string }
  /** Everything up to an event is durable. */
  | { readonly durable: number }
  | { readonly trouble: string }
  | { readonly dropped: number }
  /** The last word. */
  | { readonly closed: true };

/** Events, and how many of them are waited for at once. */
export const EVENTS = 200;
const GROUP = 20;

/** Half of the events are settled. */
export function isSettled(n: number): boolean {
  return n % 2 === 0;
}

if (import.meta.main) await work();

/** Not over stdout, with which Node.js itself has to do. */
function tell(message: DiskMessage): void {
  say(message, 3);
}

async function work(): Promise<void> {
  const [path = '', first = '0', end = 'close', patience = '', onceTold = ''] = process.argv.slice(2);
  try {
    const journal = await sqliteJournal({ path });
    const dropped = new Set<number>();
    const { promise: patienceIsOver, resolve } = Promise.withResolvers<'over'>();
    let timer = setTimeout(() => resolve('over'), Number(patience));
    let isTold = false;
    journal.observe({
      onTrouble: (trouble) => {
        tell({ trouble });
        if (isTold) return;
        isTold = true;
        clearTimeout(timer);
        timer = setTimeout(() => resolve('over'), Number(onceTold));
      },
    });
    const read = async () => {
      const { events } = await (await reader).read(EVENTS);
      const settled = events.filter(({ eventId }) => isSettled(numberOf(eventId)));
      (await reader).report(
        settled.map((event) => ({
          event,
          outcome: 'ok',
          delivery: { attempts: 1, since: event.time, duration: 0, errorType: undefined },
        })),
      );
    };
    const reader = journal.consumer('reader', {
      onReadable: read,
      onCounts: () => {},
      onDrop: (events) => {
        for (const { eventId } of events) {
          dropped.add(numberOf(eventId));
          tell({ dropped: numberOf(eventId) });
        }
      },
      onSkip: () => {},
    });
    const from = Number(first);
    for (let n = from; n < from + EVENTS; ) {
      const durable = journal.append(Array.from({ length: GROUP }, (_, index) => numberedEvent(n + index)));
      durable.catch(() => undefined);
      n += GROUP;
      if ((await Promise.race([durable, patienceIsOver])) === 'over') break;
      tell({ durable: n - 1 });
    }
    clearTimeout(timer);
    if (end === 'crash') process.kill(process.pid, 'SIGKILL');
    await journal.close();
    tell({ closed: true });
  } catch (error) {
    if (!(error instanceof VconOtelError)) throw error;
    tell({ refused: error.code, why: error.message });
  }
}
