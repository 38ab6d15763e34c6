import { randomUUID } from 'node:crypto';
import { leaveRequest, lockLedger, MAX_DIGESTS, type Operator } from '../../../ledger/index.ts';
import type { Mention } from '../../../model/erasure.ts';
import { errorType, VconOtelError } from '../../../model/error.ts';
import type { ErasurePlace } from './places.ts';

/** What was found in a place, and what became of it. */
export interface SearchedPlace {
  readonly path: string;
  readonly mentions: readonly Mention[];
  /** Whether what could be erased was. */
  readonly erased: boolean;
  /** Why it could not be looked at, or not be erased, in a sentence without a full stop. */
  readonly fault?: string;
}

/** What a place says of a vCon. Never rejects. */
export async function searchPlace(place: ErasurePlace, spellings: readonly string[]): Promise<SearchedPlace> {
  try {
    const mentions = (await place.mentions(spellings)).filter(({ count }) => count !== 0);
    return { path: place.path, mentions, erased: false };
  } catch (error) {
    return { path: place.path, mentions: [], erased: false, fault: faultOf(error) };
  }
}

/** Who erases what, and why. */
export interface ErasureOrder {
  /** Of the ledgers, with the record of the key's destruction in each. */
  readonly ledgers: readonly { readonly directory: string; readonly recordId: string }[];
  readonly spellings: readonly string[];
  readonly operator: Operator;
  readonly reason: string;
}

/**
 * Keeps every service off its ledger while something is done.
 * @throws VconOtelError `LEDGER_IN_USE`
 */
export async function whileStopped(directories: readonly string[], work: () => Promise<void>): Promise<void> {
  const locks: ReturnType<typeof lockLedger>[] = [];
  try {
    for (const directory of directories) locks.push(lockOf(directory));
    await work();
  } finally {
    for (const lock of locks) lock.release();
  }
}

function lockOf(directory: string): ReturnType<typeof lockLedger> {
  try {
    return lockLedger(directory);
  } catch (error) {
    if (!(error instanceof VconOtelError) || error.code !== 'LEDGER_IN_USE') throw error;
    throw new VconOtelError(
      'LEDGER_IN_USE',
      `a service has the ledger in ${directory} open: stop it, run this command again, and start it. Nothing was erased`,
    );
  }
}

/**
 * Erases a vCon from one place. The ledgers are told before anything is done: what is gone was said to go, whatever ends this process; and what is left
 * then goes the next time. Never rejects.
 */
export async function eraseIn(
  place: ErasurePlace,
  found: SearchedPlace,
  order: ErasureOrder,
  pseudonym: string,
): Promise<SearchedPlace> {
  if (found.fault !== undefined) return found;
  try {
    for (const mention of found.mentions) if (mention.stays === undefined) tell(place, mention, order);
    // Also where nothing is found: a call that was broken off may have left the traces of what it erased.
    await place.erase(order.spellings, pseudonym);
    const left = (await searchPlace(place, order.spellings)).mentions.filter(
      ({ stays }) => stays === undefined,
    );
    if (left.length === 0) return { ...found, erased: true };
    return { ...found, fault: 'it still names the vCon: does somebody write there?' };
  } catch (error) {
    return { ...found, fault: faultOf(error) };
  }
}

/** A uuid of nobody, which says nothing of the one that it stands for. */
export const newPseudonym = (): string => randomUUID();

function tell(
  { path }: ErasurePlace,
  { what, count = 0, digests = [] }: Mention,
  { ledgers, operator, reason }: ErasureOrder,
): void {
  for (const { directory, recordId } of ledgers)
    for (let at = 0; at === 0 || at < digests.length; at += MAX_DIGESTS) {
      const some = digests.slice(at, at + MAX_DIGESTS);
      leaveRequest(directory, {
        ...operator,
        event: 'vcon_erased',
        order: recordId,
        place: path,
        what,
        count: digests.length > 0 ? some.length : count,
        reason,
        ...(some.length > 0 && { digests: some }),
      });
    }
}

function faultOf(error: unknown): string {
  return error instanceof VconOtelError ? error.message : `it could not be looked at (${errorType(error)})`;
}
