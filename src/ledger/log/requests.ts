import { hash } from 'node:crypto';
import { chownSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import { readText } from '../directory.ts';
import { namedIds, OperatorDeed } from './record.ts';

//  What a command hands over to the process that has the ledger open, or opens it next: a ledger has one writer only.

/** Who does something by a command. */
export interface Operator {
  /** As the command was told, else as the operating system says. */
  readonly actor: string;
  /** Whom the operating system runs the command as. */
  readonly system_user: string;
}

/** Something that an operator did, and the ledger has yet to record. */
export interface OpenRequest {
  readonly file: string;
  readonly deed: OperatorDeed;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly recordId: string;
}

/**
 * Leaves word of what an operator did, with as many ids of events as a record has room for.
 * @throws VconOtelError `FILE_UNUSABLE` where too many wait to be recorded; the system's error where it cannot be written
 */
export function leaveRequest(directory: string, deed: OperatorDeed): void {
  const folder = join(directory, FOLDER);
  makeFolder(folder);
  // What was destroyed is destroyed, however many wait.
  if (deed.event !== 'vcon_key_destroyed' && readdirSync(folder).length >= MAX_OPEN)
    throw new VconOtelError('FILE_UNUSABLE', `${MAX_OPEN} deeds wait to be recorded in the ledger`);
  const named = 'event_ids' in deed && deed.event_ids ? { event_ids: namedIds(deed.event_ids) } : {};
  const text = JSON.stringify(OperatorDeed.parse({ ...deed, ...named }));
  const file = join(folder, `${Date.now()}-${hash('sha256', text, 'hex')}`);
  replaceFileSync(file, text);
  // Whoever keeps the ledger must be able to read it, and to delete it.
  if (process.getuid?.() === 0) for (const path of [folder, file]) giveTo(directory, path);
}

/** The requests that the ledger has yet to record, the oldest first. */
export function openRequests(directory: string): OpenRequest[] {
  return [...requestsIn(directory, FOLDER, deedOf), ...requestsIn(directory, SHREDDED, shredOf)].sort(
    (one, other) => one.time - other.time,
  );
}

/** Deletes a request that has been recorded. */
export function doneRequest({ file }: OpenRequest): void {
  rmSync(file, { force: true });
}

const FOLDER = 'requests';
/** Where 0.1 left word of keys that were destroyed, and nothing but the uuid. */
const SHREDDED = 'shredded';
/** Requests that may wait: nobody may keep this ledger any more. */
const MAX_OPEN = 10_000;

function requestsIn(
  directory: string,
  name: typeof FOLDER | typeof SHREDDED,
  read: (text: string) => OperatorDeed | undefined,
): OpenRequest[] {
  const folder = join(directory, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((file) => {
    const [, time, digest] = /^(\d{1,16})-([0-9a-f]{64})$/.exec(file) ?? [];
    const text = readText(join(folder, file));
    if (time === undefined || text === undefined || hash('sha256', text, 'hex') !== digest) return [];
    const deed = read(text);
    if (!deed) return [];
    const prefix = name === SHREDDED ? 'shred' : 'operator';
    return [{ file: join(folder, file), deed, time: Number(time), recordId: `${prefix}/${file}` }];
  });
}

function deedOf(text: string): OperatorDeed | undefined {
  try {
    return OperatorDeed.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function shredOf(vcon_uuid: string): OperatorDeed | undefined {
  return OperatorDeed.safeParse({ event: 'vcon_key_destroyed', actor: 'operator', vcon_uuid }).data;
}

function giveTo(owner: string, path: string): void {
  const { uid, gid } = statSync(owner);
  chownSync(path, uid, gid);
}
