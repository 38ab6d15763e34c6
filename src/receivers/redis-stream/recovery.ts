import type { ConsumerGroup } from './consumer-group.ts';
import { type Destination, handIn } from './hand-in.ts';
import { originalText } from './read-entry.ts';
import { type Entry, isBefore, type Pending } from './replies.ts';

/** Deliveries after which an entry is given up: whoever had it died on it, it seems. */
const MAX_DELIVERIES = 5;
/** Deliveries after which an entry is handed in alone, so that its neighbours are not given up with it. */
const SUSPECT = 3;
const PAGE = 500;

/** Hands in again what this consumer was handed and has not acknowledged: before a crash, or in a reply that was lost. Whether it got to the end. */
export async function recoverOwn(group: ConsumerGroup, to: Destination): Promise<boolean> {
  return walk(to, {
    pending: (after) => group.pendingOwn(after, PAGE),
    deliver: async (_from, after, count) => ({ entries: await group.readOwn(after, count), gone: [] }),
  });
}

/**
 * Takes over what other consumers have left lying. Whether it got to the end.
 * @param found called when there is something
 */
export async function claimIdle(group: ConsumerGroup, to: Destination, found: () => void): Promise<boolean> {
  return walk(to, {
    pending: async (after) => {
      const rows = await group.pendingIdle(after, PAGE);
      if (rows.length > 0) found();
      return rows;
    },
    deliver: (from, _after, count) => group.claim(from, count),
  });
}

interface Source {
  pending(after: string): Promise<Pending[]>;
  /** Delivers `count` entries, the first of which is `from`, the first one after `after`. */
  deliver(from: string, after: string, count: number): Promise<{ entries: Entry[]; gone: string[] }>;
}

async function walk(to: Destination, { pending, deliver }: Source): Promise<boolean> {
  const { settlement, tally, closing } = to;
  let after = '0-0';
  while (!closing.aborted && !to.intake.full && !settlement.full) {
    const rows = await pending(after);
    const [head] = rows;
    if (!head) return true;
    if (settlement.has(head.id)) {
      after = head.id;
      continue;
    }
    const count = Math.min(countTogether(rows, settlement), to.size.entries);
    const { entries, gone } = await deliver(head.id, after, count);
    tally.add('records', 'lost', gone.length);
    const [first] = entries;
    if (first?.fields && first.id === head.id && head.deliveries >= MAX_DELIVERIES)
      settlement.setAside({ ...GIVEN_UP, id: first.id, text: originalText(first.fields) });
    await handIn(entries, to);
    await settlement.flush();
    after = [rows[count - 1]?.id ?? head.id, ...entries.map(({ id }) => id), ...gone].reduce(later);
  }
  return false;
}

const GIVEN_UP = {
  reason: `delivered ${MAX_DELIVERIES} times without having been settled`,
  outcome: 'set_aside',
} as const;

function countTogether(rows: readonly Pending[], settlement: Destination['settlement']): number {
  const end = rows.findIndex(({ id, deliveries }) => deliveries >= SUSPECT || settlement.has(id));
  return end === -1 ? rows.length : Math.max(1, end);
}

function later(one: string, other: string): string {
  return isBefore(one, other) ? other : one;
}
