import { errorType } from '../../model/error.ts';
import { OutgoingError } from '../../outgoing/failure.ts';
import { type KeyRotation, rotationsOf } from '../keys/key-rotation.ts';
import type { TreeHead } from '../proof/checkpoint.ts';
import type { Verifier } from '../proof/note.ts';
import { AHEAD, isWitnessed, type Quorum } from '../verify/witnessed.ts';
import { type Attested, type CheckpointThere, checkpointThere } from './checkpoint-there.ts';
import { FetchedTiles, TileGone } from './fetched-tiles.ts';
import { requireGrownFrom, rootThen } from './grown.ts';
import { Noticed } from './monitor-finding.ts';
import { sample } from './sampling.ts';
import { type SeenLedger, type SeenLedgers, type SeenThere, seenHead } from './seen-ledgers.ts';
import { answeringFor, type WatchedPlace } from './watched-place.ts';

/** What is needed to watch ledgers. */
export interface MonitorSettings {
  readonly places: readonly WatchedPlace[];
  /** Of the ledgers' keys. */
  readonly verifiers: readonly Verifier[];
  /** Who must have cosigned them. */
  readonly quorum: Quorum | undefined;
  /** Milliseconds for which a ledger may not grow. */
  readonly maxAge: number | undefined;
  /** Records that are looked at in a round, beside the newest. */
  readonly samples: number;
  /** The folder in which is kept what was seen. */
  readonly directory: string;
}

/** What is being found. */
export interface LedgerLook {
  readonly place: WatchedPlace;
  readonly time: number;
  readonly noticed: Noticed[];
  found?: CheckpointThere & { readonly tiles: FetchedTiles };
  grownFrom?: number;
  /** The changes of its key since it was seen before. */
  changes?: readonly KeyRotation[] | undefined;
  /** Records that the ledger had elsewhere, where this place is new and has fewer. */
  lacks?: number;
  /** What was kept of the place before, and is to be kept now. */
  there?: SeenThere;
  sampled: number;
}

/**
 * Looks at a ledger; again where it grows meanwhile, and so has other tiles than those of the checkpoint that was read.
 * @param seen what was seen before, of which nothing is changed
 */
export async function lookAt(
  watched: WatchedPlace,
  settings: MonitorSettings,
  seen: SeenLedgers,
): Promise<LedgerLook> {
  const place = answeringFor(watched, ROUND_MILLIS);
  let look = await lookOnce(place, settings, seen);
  for (let again = 1; again < TURNS && look.noticed.some((one) => one instanceof TileGone); again += 1) {
    const before = look.found?.head.size;
    look = await lookOnce(place, settings, seen);
    if (look.found?.head.size === before) break;
  }
  return look;
}

async function lookOnce(
  place: WatchedPlace,
  settings: MonitorSettings,
  seen: SeenLedgers,
): Promise<LedgerLook> {
  const { verifiers, quorum, samples } = settings;
  const look: LedgerLook = { place, time: Date.now(), noticed: [], sampled: 0 };
  try {
    const found = await checkpointThere(place, verifiers, quorum?.witnesses ?? [], (origin) =>
      rotationsOf(seen.of(origin)?.rotations ?? ''),
    );
    const tiles = new FetchedTiles(place, found.head.size);
    look.found = { ...found, tiles };
    requireOrigin(found.head.origin, seen.originAt(place.name));
    const before = seen.of(found.head.origin);
    look.changes = before && found.rotations.slice(rotationsOf(before.rotations).length);
    await requireGrown(look, found, tiles, before);
    const there = before?.places[place.name];
    const isAsBefore = there?.size === found.head.size;
    look.there = {
      size: found.head.size,
      since: isAsBefore ? there.since : look.time,
      records: there?.records ?? false,
    };
    requireQuorum(look, found.attested, quorum);
    const { records, last } = await sample(place, found.head, tiles, samples, look.there.records);
    look.sampled = records;
    look.there = { ...look.there, records: look.there.records || records > 0 };
    requireGoingOn(look, last, settings.maxAge);
  } catch (error) {
    look.noticed.push(noticedOf(error));
  }
  return look;
}

function requireOrigin(origin: string, before: string | undefined): void {
  if (before !== undefined && before !== origin)
    throw new Noticed(
      'ORIGIN_CHANGED',
      `this is the ledger of ${origin} now, and was that of ${before}: both are given keys`,
    );
}

/** From the largest checkpoint that was seen, wherever, and from those that witnesses cosigned. */
async function requireGrown(
  look: LedgerLook,
  { head, attested }: CheckpointThere,
  tiles: FetchedTiles,
  before: SeenLedger | undefined,
): Promise<void> {
  await rootThen(head, tiles, head.size);
  for (const one of attested) {
    if (one.head.size > head.size) throw rolledBack(head, one.head.size, `${one.witness.name} has cosigned`);
    await requireGrownFrom(head, tiles, one.head, one.note, `that ${one.witness.name} has cosigned`);
  }
  if (!before) return;
  const newest = seenHead(before.newest);
  const here = before.places[look.place.name];
  if (here && head.size < here.size) throw rolledBack(head, here.size, 'were here before');
  if (newest.size > head.size) {
    if (!here) look.lacks = newest.size;
    return;
  }
  await requireGrownFrom(head, tiles, newest, before.newest, 'that was seen before');
  look.grownFrom = newest.size;
}

function requireQuorum(look: LedgerLook, attested: readonly Attested[], quorum: Quorum | undefined): void {
  if (!quorum || isWitnessed(attested, quorum)) return;
  const late = quorum.maxAge === undefined ? '' : ' in the time allowed';
  look.noticed.push(
    new Noticed(
      'QUORUM_MISSING',
      `fewer than ${quorum.quorum} of the ${quorum.witnesses.length} witnesses have cosigned it${late}`,
    ),
  );
}

/** @param last when its newest record was made, as that says */
function requireGoingOn(
  { noticed, there, time }: LedgerLook,
  last: number | undefined,
  maxAge: number | undefined,
): void {
  if (maxAge === undefined || !there) return;
  const age = Math.max(time - there.since, last === undefined ? 0 : time - last - AHEAD);
  if (age <= maxAge) return;
  noticed.push(
    new Noticed(
      'CHECKPOINT_STALE',
      `it has not grown for ${minutes(age)}: whoever writes it has stopped, or this place is not kept up to date`,
    ),
  );
}

/** What ended a look. @throws the error itself where that says nothing about the ledger */
export function noticedOf(error: unknown): Noticed {
  if (error instanceof Noticed) return error;
  const isSystems = error instanceof Error && 'errno' in error;
  if (!(error instanceof OutgoingError || isSystems)) throw error;
  const code = errorType(error);
  const advice = code === 'ADDRESS_REFUSED' ? ': name its host with --allow-private-host' : '';
  return new Noticed('UNREACHABLE', `it cannot be looked at (${code})${advice}`);
}

export function rolledBack(head: TreeHead, size: number, who: string): Noticed {
  return new Noticed(
    'LEDGER_ROLLED_BACK',
    `its checkpoint has ${head.size} records, and ${size} ${who}: an older copy was put back, or its end was cut off`,
  );
}

function minutes(milliseconds: number): string {
  const whole = Math.floor(milliseconds / 60_000);
  return whole < 120 ? `${whole} min` : `${Math.floor(whole / 60)} h`;
}

/** Milliseconds that one place may take for a round. */
const ROUND_MILLIS = 60_000;
/** Looks in a round at a ledger that grows. */
const TURNS = 3;
