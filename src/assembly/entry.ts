import { z } from 'zod';
import type { RecordFact, SpanFact } from '../model/fact.ts';
import type { Facts } from '../model/received.ts';
import type { BelievedTimes } from './claimed-times.ts';
import type { ConfiguredChain } from './configured-chains.ts';
import type { RunFacts } from './facts.ts';
import type { Decided } from './input.ts';
import type { KeptRun } from './open-run.ts';
import {
  isReceivedEntry,
  type MoreEntry,
  type ReceivedEntry,
  readReceivedEntry,
  writeReceived,
} from './received-entry.ts';
import { readFact, type WrittenFact, writtenFact } from './server/written-fact.ts';
import { readProcess, type WrittenProcess, writtenProcess } from './server/written-process.ts';
import type { StatePart } from './state.ts';
import type { WorkerNumbers } from './workers.ts';

/** What assembly keeps in the inbox. */
export type Entry =
  | ReceivedEntry
  | MoreEntry
  | Decided
  /** All events of entries up to a place are in the event log: they need not be emitted again. */
  | { readonly kind: 'emitted'; readonly upTo: number }
  /** What is needed of everything before this place is kept once more, in parts that follow, and so carried forward. */
  | { readonly kind: 'carries' }
  /** A part of it. `of`: that place. */
  | { readonly kind: 'carried'; readonly of: number; readonly part: StatePart }
  /** That was all of it. */
  | { readonly kind: 'carried_all'; readonly of: number }
  /** While the log was read again, there was too little memory after an entry: so much was let go, see `leastNeeded`. */
  | MadeRoom
  /** Facts as versions before wrote them: not as they came. */
  | ({ readonly kind: 'facts' } & Facts)
  /** A row of the inbox of vcon-otel 0.1, as its journal had it; they come first, in their order. */
  | { readonly kind: '0.1'; readonly run_id: string | null; readonly body: string };

const KINDS = z.looseObject({
  kind: z.enum([
    'more',
    'spans',
    'server',
    'missed',
    'gone',
    'evicted',
    'taken_over',
    'called',
    'record',
    'configured',
    'asked',
    'gathered',
    'closed',
    'orphaned',
    'lost',
    'forgotten',
    'unheard',
    'emitted',
    'carries',
    'carried',
    'carried_all',
    'made_room',
    '0.1',
  ]),
});

/** How entries begin that are of what is carried forward. */
const CARRYING = Buffer.from('{"kind":"carrie');

/** Whether an entry is of what is carried forward. */
export function isOfCarrying(body: Uint8Array): boolean {
  return CARRYING.equals(body.subarray(0, CARRYING.byteLength));
}

/** Runs, or spans of none, that were let go while the log was read again: when, milliseconds since the Unix epoch, and after which entry. */
export interface MadeRoom {
  readonly kind: 'made_room';
  readonly after: number;
  readonly count: number;
  readonly at: number;
  readonly spansMayCome: boolean;
}

const MADE_ROOM = Buffer.from('{"kind":"made_room"');

/** Whether an entry is a {@link MadeRoom}. */
export function isOfMadeRoom(body: Uint8Array): boolean {
  return MADE_ROOM.equals(body.subarray(0, MADE_ROOM.byteLength));
}

/** How an entry is written: what was received as it came, anything else as JSON. */
export function encodeEntry(entry: NewEntry): Uint8Array {
  return entry.kind === 'received' ? writeReceived(entry) : Buffer.from(jsonOf(entry));
}

/** An entry as this version writes it. */
export type NewEntry =
  | Exclude<Entry, { kind: 'received' | 'facts' | '0.1' }>
  | (ReceivedEntry & { readonly window: BelievedTimes });

function jsonOf(entry: Exclude<NewEntry, { kind: 'received' }>): string {
  // Not by a replacer, which is called for every key and takes several times as long.
  switch (entry.kind) {
    case 'called':
      return JSON.stringify({ ...entry, fact: writtenFact(entry.fact) });
    case 'configured':
      return JSON.stringify({ ...entry, chains: [...entry.chains] });
    case 'carried':
      return writtenCarried(entry);
    default:
      return JSON.stringify(entry);
  }
}

/**
 * The inverse of {@link encodeEntry}.
 * @returns undefined for one of another version of this package
 */
export function decodeEntry(body: Uint8Array): Entry | undefined {
  if (isReceivedEntry(body)) return readReceivedEntry(body);
  try {
    const lines = linesOf(body);
    const entry = JSON.parse(String(lines.next().value)) as WrittenEntry;
    if (!KINDS.safeParse(entry).success) return undefined;
    switch (entry.kind) {
      case 'spans':
        return { kind: 'facts', spans: entry.spans, records: [] };
      case 'record':
        return { kind: 'facts', spans: [], records: [readRecord(entry.record)] };
      case 'server':
        return { kind: 'facts', spans: [], records: [readFact(entry.fact)] };
      case 'called':
        return { ...entry, fact: readFact(entry.fact) };
      case 'configured':
        return { ...entry, chains: new Map(entry.chains) };
      case 'carried':
        return { ...entry, part: readPart(entry.part, lines) };
      default:
        return entry;
    }
  } catch {
    return undefined;
  }
}

type WrittenEntry =
  | Exclude<Entry, { kind: 'received' | 'facts' | 'called' | 'configured' | 'carried' }>
  | { readonly kind: 'spans'; readonly spans: readonly SpanFact[] }
  | { readonly kind: 'server'; readonly fact: WrittenFact }
  | { readonly kind: 'called'; readonly fact: WrittenFact }
  | { readonly kind: 'record'; readonly record: WrittenRecord }
  | { readonly kind: 'configured'; readonly chains: WrittenChains }
  | { readonly kind: 'carried'; readonly of: number; readonly part: WrittenPart };

type WrittenChains = readonly (readonly [string, ConfiguredChain])[];

type WrittenRecord = Omit<RecordFact, 'time' | 'claimed'> & {
  readonly time: string;
  readonly claimed?: string;
};

function writtenRecord({ time, claimed, ...record }: RecordFact): WrittenRecord {
  return { ...record, time: String(time), ...(claimed !== undefined && { claimed: String(claimed) }) };
}

/** A record as it was written. */
function readRecord({ time, claimed, ...record }: WrittenRecord): RecordFact {
  return { ...record, time: BigInt(time), ...(claimed !== undefined && { claimed: BigInt(claimed) }) };
}

type WrittenPart =
  | Exclude<StatePart, { kind: 'configured' | 'closed' | 'open' | 'workers' | 'processes' }>
  | { readonly kind: 'processes'; readonly processes: readonly WrittenProcess[] }
  | { readonly kind: 'configured'; readonly chains: WrittenChains }
  | { readonly kind: 'closed'; readonly packed: string }
  | { readonly kind: 'open'; readonly runs: readonly WrittenRun[] }
  | { readonly kind: 'workers'; readonly workers: readonly WrittenWorker[] };

/** A line of JSON, and after it one for each run of the processes in it, if there are any. */
function writtenCarried({ part, ...entry }: Extract<Entry, { kind: 'carried' }>): string {
  const lines: Buffer[] = [];
  const first = JSON.stringify({ ...entry, part: writtenPart(part, lines) });
  return [first, ...lines].join(LINE_BREAK);
}

const LINE_BREAK = '\n';

/** The lines of what is carried; anything else is one. */
function* linesOf(body: Uint8Array): Generator<Buffer> {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  let from = 0;
  for (let to = isOfCarrying(body) ? text.indexOf(LINE_BREAK) : -1; to !== -1; ) {
    yield text.subarray(from, to);
    from = to + 1;
    to = text.indexOf(LINE_BREAK, from);
  }
  yield text.subarray(from);
}

function writtenPart(part: StatePart, lines: Buffer[]): WrittenPart {
  switch (part.kind) {
    case 'configured':
      return { ...part, chains: [...part.chains] };
    case 'closed':
      return { ...part, packed: part.packed.toString('base64') };
    case 'open':
      return { ...part, runs: part.runs.map(writtenRun) };
    case 'workers':
      return { ...part, workers: part.workers.map(writtenWorker) };
    case 'processes':
      return { ...part, processes: part.processes.map((process) => writtenProcess(process, lines)) };
    default:
      return part;
  }
}

function readPart(part: WrittenPart, lines: Iterator<Buffer>): StatePart {
  switch (part.kind) {
    case 'configured':
      return { ...part, chains: new Map(part.chains) };
    case 'closed':
      return { ...part, packed: Buffer.from(part.packed, 'base64') };
    case 'open':
      return { ...part, runs: part.runs.map(readRun) };
    case 'workers':
      return { ...part, workers: part.workers.map(readWorker) };
    case 'processes':
      return { ...part, processes: part.processes.map((process) => readProcess(process, lines)) };
    default:
      return part;
  }
}

type WrittenRun = Omit<KeptRun, 'facts'> & {
  readonly facts: Pick<RunFacts, 'chainSpan' | 'storages'> & {
    readonly links: readonly (readonly [number, NonNullable<ReturnType<RunFacts['links']['get']>>])[];
    readonly records: readonly WrittenRecord[];
  };
};

function writtenRun({ facts, ...run }: KeptRun): WrittenRun {
  const records = [...facts.records.values()].map(writtenRecord);
  return { ...run, facts: { ...facts, links: [...facts.links], records } };
}

function readRun({ facts, ...run }: WrittenRun): KeptRun {
  const records = facts.records.map((record) => [record.index, readRecord(record)] as const);
  const { chainSpan, storages } = facts;
  return { ...run, facts: { chainSpan, storages, links: new Map(facts.links), records: new Map(records) } };
}

type WrittenWorker = Omit<WorkerNumbers, 'topTime'> & { readonly topTime: string };

function writtenWorker({ topTime, ...worker }: WorkerNumbers): WrittenWorker {
  return { ...worker, topTime: String(topTime) };
}

function readWorker({ topTime, ...worker }: WrittenWorker): WorkerNumbers {
  return { ...worker, topTime: BigInt(topTime) };
}
