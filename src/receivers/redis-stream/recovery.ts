import type { ConsumerGroup } from './consumer-group.ts';
import { type Destination, handIn } from './hand-in.ts';
import { originalText } from './read-entry.ts';
import { isBefore, type Pending } from './replies.ts';

/** Deliveries after which an entry is given up: it seems to kill whoever reads it. */
const MAX_DELIVERIES = 5;
/** Deliveries after which an entry is processed alone, so that its neighbours are not given up with it. */
const SUSPECT = 3;
const PAGE = 500;

/**
 * Processes again what somebody has received and not acknowledged: this process in a reply that was lost, or another before
 * it, which crashed. Returns whether it got to the end.
 * @param idle for how many milliseconds at least
 * @param found called when there is something
 */
export async function reclaim(
  group: ConsumerGroup,
  idle: number,
  to: Destination,
  found: () => void,
): Promise<boolean> {
  const { settlement, counts, closing } = to;
  let after = '0-0';
  while (!closing.aborted && !to.sink.full && !settlement.full) {
    const rows = await group.pending(idle, after, PAGE);
    const [head] = rows;
    if (!head) return true;
    found();
    if (settlement.has(head.id)) {
      after = head.id;
      continue;
    }
    const count = Math.min(countTogether(rows, settlement), to.size.entries);
    const { entries, gone } = await group.claim(idle, head.id, count);
    counts.add('records', 'lost', gone.length);
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
