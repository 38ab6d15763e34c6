import { isUtf8 } from 'node:buffer';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKPOINT_FILE, HISTORY_FILE, ROTATIONS_FILE, readText } from '../directory.ts';
import type { OperatorRequest } from '../log/operator-deed.ts';
import { MAX_RECORD, NO_HASH, parseChained } from '../log/record.ts';
import { openRequests } from '../log/requests.ts';
import { listSegments, recordLines, type Segment } from '../log/segments.ts';
import { isSameHead, openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { leafHash } from '../proof/merkle.ts';
import type { Verifier } from '../proof/note.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { CheckpointReader, WRONG_SIGNATURE } from './checkpoint-reader.ts';
import { CompletenessCheck, repeatedIds } from './completeness.ts';
import { Deletions } from './deletions.ts';
import { Growth } from './growth.ts';
import { KeyChanges } from './key-changes.ts';
import { KeyCheck } from './key-check.ts';
import { TileChecker } from './tile-checker.ts';
import { Found, type LedgerFault, type Verdict } from './verdict.ts';

/** What a ledger is checked against. */
export interface VerifySettings {
  readonly directory: string;
  /** The keys that may have signed it. */
  readonly verifiers: readonly Verifier[];
  /** Its checkpoints that were kept elsewhere: it must have grown from them. */
  readonly since?: readonly TreeHead[];
  /** Whether something must be signed: then a ledger in which nothing is cannot be intact. */
  readonly mustBeSigned?: boolean;
  /** Whether the vCons' keys are there to be compared, too; a copy may have been made without them. */
  readonly withKeys?: boolean;
  /** Whether a process has it open: then anything unfinished is being written. */
  readonly inUse?: boolean;
}

/** Checks a whole ledger from its files alone, in constant memory. Never writes. @throws the system's error */
export function verifyLedger(settings: VerifySettings): Verdict {
  return new Verification(settings).run();
}

class Verification {
  readonly #settings: VerifySettings;
  readonly #segments: readonly Segment[];
  readonly #history: CheckpointReader;
  readonly #newestNote: string | undefined;
  readonly #runs = new CompletenessCheck();
  readonly #deletions = new Deletions();
  readonly #growth: Growth;
  readonly #changes: KeyChanges;
  /** Whether it is the ledger of which the changes of key were. */
  readonly #changed: Growth;
  readonly #keys: KeyCheck | undefined;
  readonly #first: number;
  #tiles: TileChecker;
  #prevHash = NO_HASH;
  #lastTime = '';
  /** A record whose hash is not the one in its tile: the next one shows which of the two is wrong. */
  #suspect: (LedgerFault & { readonly seq: number; readonly leaf: string }) | undefined;
  #torn: LedgerFault | undefined;

  constructor(settings: VerifySettings) {
    const { directory } = settings;
    this.#settings = settings;
    // In this order: a ledger may grow meanwhile.
    this.#newestNote = readText(join(directory, CHECKPOINT_FILE));
    this.#changes = new KeyChanges(directory, settings.verifiers);
    this.#history = new CheckpointReader(directory, this.#changes.verifiers);
    this.#segments = listSegments(directory);
    this.#first = this.#segments[0]?.first ?? 0;
    this.#keys = settings.withKeys ? new KeyCheck(directory) : undefined;
    const growth = (heads: readonly TreeHead[], kept: string) =>
      new Growth(heads, kept, directory, this.#first, this.#segments[0]?.file ?? 'segments');
    this.#growth = growth(settings.since ?? [], 'kept elsewhere');
    this.#changed = growth(
      this.#changes.proven.map(({ head }) => head),
      `in ${ROTATIONS_FILE}`,
    );
    this.#tiles = new TileChecker(directory, 0, this.#history.lastSize);
  }

  run(): Verdict {
    try {
      this.#start();
      for (const segment of this.#segments) this.#segment(segment);
      this.#end();
    } catch (error) {
      if (error instanceof Found) return this.#verdict(error.verdict, error.fault);
      throw error;
    } finally {
      this.#history.close();
    }
    if (this.#settings.mustBeSigned && !this.#history.newest)
      return this.#verdict('unsigned', NOTHING_SIGNED);
    const torn = this.#settings.inUse ? undefined : (this.#torn ?? this.#unsigned());
    return torn ? this.#verdict('torn', torn) : this.#verdict('intact');
  }

  get #size(): number {
    return this.#tiles.size;
  }

  /** Older records may be gone: then the tiles say what they were, and a checkpoint says that the tiles are right. */
  #start(): void {
    if (this.#first === 0) return;
    const { directory } = this.#settings;
    const file = this.#segments[0]?.file ?? '';
    const fault = (reason: string): LedgerFault => ({ file, offset: 0, seq: 0, reason });
    while (this.#history.next && this.#history.next.head.size < this.#first) this.#history.take();
    const head = this.#history.next?.head;
    try {
      this.#tiles = new TileChecker(directory, this.#first, this.#history.lastSize);
      this.#prevHash = new TileReader(directory, this.#first).hash(0, this.#first - 1).toString('hex');
    } catch {
      throw new Found(fault('is missing, and so are the tiles that say what it was'));
    }
    if (head?.size !== this.#first)
      throw new Found(fault('is missing, and no checkpoint ends where the records begin'));
  }

  #segment(segment: Segment): void {
    const { first, file } = segment;
    this.#checkpoints(file, 0);
    if (first !== this.#size) throw this.#bad(file, 0, 'is missing: the next file starts with another one');
    if (this.#torn) throw new Found({ ...this.#torn, seq: this.#size });
    for (const { text, offset, whole } of recordLines(this.#settings.directory, segment)) {
      if (!whole) {
        const seq = this.#size;
        if (text.length >= MAX_RECORD) throw this.#bad(file, offset, 'is too long');
        this.#torn = { file, offset, seq, reason: 'is unfinished' };
        return;
      }
      this.#line(file, offset, text);
    }
  }

  #line(file: string, offset: number, bytes: Buffer): void {
    const seq = this.#size;
    if (!isUtf8(bytes)) throw this.#bad(file, offset, 'is not UTF-8');
    const line = bytes.toString();
    const parsed = parseChained(line);
    if (!('record' in parsed)) throw this.#bad(file, offset, parsed.fault);
    const { record } = parsed;
    if (record.seq !== seq)
      throw this.#bad(file, offset, `is not where it should be: record ${record.seq} stands there`);
    this.#settle(record.prev_hash);
    if (record.prev_hash !== this.#prevHash)
      throw this.#bad(file, offset, 'does not follow the record before it (prev_hash)');
    if (record.recorded_at < this.#lastTime)
      throw this.#bad(file, offset, 'is earlier than the record before it (recorded_at)');
    const leaf = leafHash(line);
    const tileAgrees = this.#tiles.push(Buffer.from(leaf, 'hex'));
    if (!tileAgrees)
      this.#suspect = {
        file,
        offset,
        seq,
        leaf,
        reason: 'is not what was written (its tile has another hash)',
      };
    this.#prevHash = leaf;
    this.#lastTime = record.recorded_at;
    this.#runs.add(record);
    this.#keys?.add(record, file, offset);
    if (record.event === 'key_rotated') this.#changes.add(record, { file, offset, seq });
    if (record.event === 'records_expired') this.#deletions.add(record, { file, offset, seq });
    this.#checkpoints(file, offset + bytes.length + 1);
  }

  /** The record after a suspect says what its hash was. */
  #settle(prevHash: string | undefined): void {
    const suspect = this.#suspect;
    if (!suspect) return;
    const { leaf, ...fault } = suspect;
    if (prevHash !== leaf) throw new Found(fault);
    throw new Found(this.#tiles.faultAt(suspect.seq));
  }

  /**
   * Checks every checkpoint of the tree as it is now, those kept elsewhere too.
   * @param offset where the next record starts
   */
  #checkpoints(file: string, offset: number): void {
    for (let kept = this.#history.next; kept && kept.head.size <= this.#size; kept = this.#history.next) {
      const { head } = kept;
      const fault = { file: this.#history.file, offset: kept.offset };
      if (head.size < this.#size) throw new Found({ ...fault, reason: 'a checkpoint is out of order' });
      if (!head.root.equals(this.#tiles.root())) {
        this.#settle(undefined);
        throw new Found({
          ...fault,
          reason: `the checkpoint of ${head.size} records is not of these records`,
        });
      }
      if (this.#suspect) throw new Found(this.#tiles.faultAt(this.#suspect.seq));
      this.#changes.check(kept, this.#history.file, head.size >= this.#history.lastSize);
      this.#history.take();
      this.#tiles.partial(!this.#history.next);
    }
    for (const growth of [this.#growth, this.#changed])
      if (growth.isDue(this.#size)) growth.check(this.#size, () => this.#tiles.root(), { file, offset });
  }

  #end(): void {
    const { directory } = this.#settings;
    const last = this.#segments.at(-1)?.file ?? 'segments';
    this.#checkpoints(last, 0);
    this.#settle(undefined);
    const { next, fault, torn } = this.#history;
    const end = statSync(join(directory, last), { throwIfNoEntry: false })?.size ?? 0;
    if (next && this.#torn) throw new Found(this.#torn);
    if (next) throw this.#bad(last, end, `is missing: a checkpoint has ${next.head.size} records`);
    if (fault) throw fault;
    if (this.#first > 0 && this.#deletions.upTo < this.#first)
      throw new Found({
        file: this.#segments[0]?.file ?? '',
        offset: 0,
        seq: 0,
        reason: 'is missing, and no record says that it expired',
      });
    for (const growth of [this.#growth, this.#changed]) growth.end(this.#size, { file: last, offset: end });
    this.#newest();
    if (this.#tiles.fault) throw new Found(this.#tiles.fault);
    this.#torn ??= torn ?? this.#changes.unfinished;
    if (this.#deletions.fault) throw this.#deletions.fault;
    if (!this.#keys) return;
    const deeds = openRequests(directory).requests.map(({ deed }) => deed);
    const isRestored = deeds.some(({ event }) => event === 'ledger_restored');
    this.#keys.end(destroyedKeys(deeds), isRestored);
  }

  /** The newest checkpoint is the last of the history; others may have signed it meanwhile. */
  #newest(): void {
    const { previous, newest } = this.#history;
    if (!newest && !this.#newestNote) return;
    const opened = openCheckpoint(this.#newestNote ?? '', this.#changes.verifiers);
    const fault = (reason: string): LedgerFault => ({ file: CHECKPOINT_FILE, offset: 0, reason });
    if (opened.state === 'forged') throw new Found(fault(WRONG_SIGNATURE), 'bad_signature');
    if (opened.state === 'unknown_key')
      throw new Found(fault('has no signature of the given key'), 'bad_signature');
    if (newest && opened.state === 'signed' && isSameHead(opened.head, newest.head)) return;
    const isBefore = opened.state === 'signed' && previous && isSameHead(opened.head, previous.head);
    // A crash may come between writing the history and writing the newest checkpoint, and so may a reader.
    if (!isBefore) throw new Found(fault('is not the newest checkpoint'));
    this.#torn ??= fault('is not the newest checkpoint');
  }

  /** Nobody will sign the newest records: a crash came first, or somebody else wrote them. */
  #unsigned(): LedgerFault | undefined {
    const signed = this.#history.newest?.head.size ?? 0;
    if (signed >= this.#size) return undefined;
    return { file: CHECKPOINT_FILE, offset: 0, seq: signed, reason: 'and those after it are not signed' };
  }

  #bad(file: string, offset: number, reason: string): Found {
    this.#settle(undefined);
    return new Found({ file, offset, seq: this.#size, reason });
  }

  #verdict(verdict: Verdict['verdict'], fault?: LedgerFault): Verdict {
    const { newest, count } = this.#history;
    const repeated = repeatedIds(this.#settings.directory, this.#segments, this.#runs.suspects);
    return {
      verdict,
      ...(fault ? { fault } : {}),
      ...(newest ? { origin: newest.head.origin } : {}),
      first: this.#first,
      size: this.#size,
      signed: newest?.head.size ?? 0,
      checkpoints: count,
      ...(this.#growth.agreed === undefined ? {} : { agreed: this.#growth.agreed }),
      keyChanges: this.#changes.proven,
      unprovenDeletions: this.#deletions.unproven,
      lateRequests: lateRequests(this.#settings.directory),
      ...(this.#keys ? { keys: this.#keys.findings } : {}),
      completeness: this.#runs.result(repeated, this.#first > 0),
    };
  }
}

/** The vCons whose key a command has destroyed, which the ledger has yet to record. */
function destroyedKeys(deeds: readonly OperatorRequest[]): ReadonlySet<string> {
  return new Set(deeds.flatMap((deed) => (deed.event === 'vcon_key_destroyed' ? [deed.vcon_uuid] : [])));
}

/** Requests that any service would have seen to by now, as far as they can be read: whoever hides them so could as well delete them. */
function lateRequests(directory: string): number {
  const before = Date.now() - LATE;
  try {
    return openRequests(directory).requests.filter(({ time }) => time < before).length;
  } catch {
    return 0;
  }
}

/** Milliseconds: longer than most checkpoint intervals. */
const LATE = 3_600_000;

const NOTHING_SIGNED: LedgerFault = {
  file: HISTORY_FILE,
  offset: 0,
  reason: 'nothing here is signed, so nothing says what was here: it may have been emptied',
};
