import type { KeyRotation } from '../keys/key-rotation.ts';
import type { Attested } from './checkpoint-there.ts';
import { requireGrownFrom } from './grown.ts';
import { type LedgerLook, lookAt, type MonitorSettings, noticedOf, rolledBack } from './look.ts';
import { MONITOR_FINDINGS, type MonitorFinding, Noticed } from './monitor-finding.ts';
import { SeenLedgers, seenHead } from './seen-ledgers.ts';

/** What was found of a ledger in a round. */
export interface LedgerReport {
  readonly place: string;
  /** When, milliseconds since the epoch. */
  readonly time: number;
  readonly origin?: string;
  /** Records of its checkpoint, and of the one that this has grown from. */
  readonly size?: number;
  readonly grownFrom?: number;
  /** The changes of the key that signs since it was seen before, each signed by the key before it. */
  readonly keyChanges: readonly KeyRotation[];
  /** Milliseconds since it grew, as far as this monitor has seen. */
  readonly age?: number;
  /** Milliseconds since the quorum last cosigned it; absent where it never did. */
  readonly quorumAge?: number;
  /** Records that were looked at. */
  readonly sampled: number;
  /** The worst first; none where all is well. */
  readonly findings: readonly MonitorFinding[];
}

/**
 * Watches ledgers from outside: whether each is the one that it was, has grown from what was seen of it, is cosigned, goes on,
 * and has the records that it signs.
 */
export class LedgerMonitor {
  readonly #settings: MonitorSettings;
  readonly #seen: SeenLedgers;
  #rounding: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** @throws VconOtelError as {@link SeenLedgers} */
  constructor(settings: MonitorSettings) {
    this.#settings = settings;
    this.#seen = new SeenLedgers(settings.directory, settings.verifiers);
  }

  /** Looks at each once. @throws VconOtelError, or the system's error, where what was seen cannot be kept */
  round(): Promise<LedgerReport[]> {
    const reports = this.#round();
    this.#rounding = reports.catch(() => undefined);
    return reports;
  }

  async #round(): Promise<LedgerReport[]> {
    const looks = await Promise.all(
      this.#settings.places.map((place) => lookAt(place, this.#settings, this.#seen)),
    );
    // What was cut short says nothing.
    if (this.#closed) return [];
    for (const look of looks) await this.#compareWithOthers(look, looks);
    const reports: LedgerReport[] = [];
    for (const look of looks) {
      await this.#keep(look);
      reports.push(await this.#report(look));
    }
    return reports;
  }

  /** Ends what is under way. Safe twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#settings.places.map((place) => place.close()));
    await this.#rounding;
    this.#seen.release();
  }

  /** The largest of several places of one ledger tells whether the others have the same history. */
  async #compareWithOthers(look: LedgerLook, looks: readonly LedgerLook[]): Promise<void> {
    const { found } = look;
    if (!found || !look.there) return;
    const others = looks.flatMap((other) =>
      other !== look && other.there && other.found?.head.origin === found.head.origin ? [other.found] : [],
    );
    const [largest] = others.toSorted((one, other) => other.head.size - one.head.size);
    if (look.lacks !== undefined && (largest?.head.size ?? 0) < look.lacks) {
      look.noticed.push(rolledBack(found.head, look.lacks, 'were seen elsewhere before'));
      delete look.there;
      return;
    }
    if (!largest || largest.head.size < found.head.size) return;
    try {
      await requireGrownFrom(largest.head, largest.tiles, found.head, found.note, `at ${look.place.name}`);
    } catch (error) {
      const noticed = noticedOf(error);
      // Of the other place's tiles its own look tells.
      if (noticed.finding !== 'LEDGER_FORKED') return;
      look.noticed.push(new Noticed(noticed.finding, noticed.message, largest.note));
    }
  }

  /** Only what has grown from what was seen takes its place. */
  async #keep({ found, there, place, noticed }: LedgerLook): Promise<void> {
    if (!found || !there || noticed.some(({ finding }) => finding === 'LEDGER_FORKED')) return;
    const { note, head, rotations } = found;
    const before = this.#seen.of(head.origin) ?? {
      origin: head.origin,
      first: note,
      newest: note,
      rotations: '',
      places: {},
    };
    const isLarger = head.size > seenHead(before.newest).size;
    const known = before.places[place.name];
    const isKnown = known?.size === there.size && known.records === there.records;
    if (isKnown && !isLarger) return;
    const places = { ...before.places, [place.name]: there };
    await this.#seen.keep({
      ...before,
      newest: isLarger ? note : before.newest,
      rotations: rotations.map(({ proof }) => proof).join(''),
      places,
    });
  }

  async #report({
    found,
    there,
    place,
    noticed,
    grownFrom,
    changes,
    sampled,
    time,
  }: LedgerLook): Promise<LedgerReport> {
    const findings: MonitorFinding[] = [];
    for (const { finding: name, message: text, against } of noticed) {
      const isProof = against !== undefined && found && against !== found.note;
      const evidence = isProof ? await this.#seen.keepFork(against, found.note) : undefined;
      findings.push({ name, text, ...(evidence === undefined ? {} : { evidence }) });
    }
    const quorumTime = this.#quorumTime(found?.attested ?? []);
    return {
      place: place.name,
      time,
      ...(found && { origin: found.head.origin, size: found.head.size }),
      ...(grownFrom === undefined ? {} : { grownFrom }),
      ...(there && { age: Math.max(0, time - there.since) }),
      ...(quorumTime === undefined ? {} : { quorumAge: Math.max(0, time - quorumTime) }),
      keyChanges: changes ?? [],
      sampled,
      findings: findings.toSorted(byWorst),
    };
  }

  #quorumTime(attested: readonly Attested[]): number | undefined {
    const { quorum } = this.#settings;
    const times = attested.map(({ time }) => time).sort((one, other) => other - one);
    return quorum && times[quorum.quorum - 1];
  }
}

function byWorst(one: MonitorFinding, other: MonitorFinding): number {
  return MONITOR_FINDINGS.indexOf(one.name) - MONITOR_FINDINGS.indexOf(other.name);
}
