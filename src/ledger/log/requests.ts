import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { chownSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import { readText } from '../directory.ts';
import { namedIds, OperatorRequest } from './operator-deed.ts';

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
  readonly deed: OperatorRequest;
  /** When it was left, in milliseconds since the epoch: by the clock of whoever left it. */
  readonly time: number;
  readonly recordId: string;
}

/**
 * Leaves word of what an operator did, with as many ids of events as a record has room for.
 * @returns the id that its record will have
 * @throws VconOtelError `FILE_UNUSABLE` where too many wait to be recorded; the system's error where it cannot be written
 */
export function leaveRequest(directory: string, deed: OperatorRequest): string {
  const folder = join(directory, FOLDER);
  makeFolder(folder);
  // What was destroyed is destroyed, however many wait.
  if (deed.event !== 'vcon_key_destroyed' && readdirSync(folder).length >= MAX_OPEN)
    throw new VconOtelError('FILE_UNUSABLE', `${MAX_OPEN} deeds wait to be recorded in the ledger`);
  const named = 'event_ids' in deed && deed.event_ids ? { event_ids: namedIds(deed.event_ids) } : {};
  const text = JSON.stringify(OperatorRequest.parse({ ...deed, ...named }));
  const time = String(Date.now());
  const name = `${time}-${digestOf(requestKey(directory), time, text)}`;
  const file = join(folder, name);
  replaceFileSync(file, text);
  // Whoever keeps the ledger must be able to read it, and to delete it.
  if (process.getuid?.() === 0)
    for (const path of [folder, file, join(directory, KEY_FILE)]) giveTo(directory, path);
  return recordIdOf(name);
}

/** What waits to be recorded. */
export interface WaitingRequests {
  /** Left by commands of this ledger, the oldest first. */
  readonly requests: readonly OpenRequest[];
  /** Files that look like it, and were left by somebody else: nothing that they say is recorded. */
  readonly strange: number;
}

/** The requests that the ledger has yet to record. */
export function openRequests(directory: string): WaitingRequests {
  const key = readText(join(directory, KEY_FILE));
  const requests: OpenRequest[] = [];
  let strange = namesIn(join(directory, SHREDDED)).length;
  for (const name of namesIn(join(directory, FOLDER))) {
    const [, time, digest] = /^(\d{1,16})-([0-9a-f]{64})$/.exec(name) ?? [];
    if (time === undefined || digest === undefined) continue;
    const file = join(directory, FOLDER, name);
    const text = readText(file);
    // Recorded in the meantime.
    if (text === undefined) continue;
    const deed = key !== undefined && isSame(digest, digestOf(key, time, text)) ? deedOf(text) : undefined;
    if (deed) requests.push({ file, deed, time: Number(time), recordId: recordIdOf(name) });
    else strange += 1;
  }
  return { requests: requests.sort((one, other) => one.time - other.time), strange };
}

/** Deletes a request that has been recorded. */
export function doneRequest({ file }: OpenRequest): void {
  rmSync(file, { force: true });
}

function recordIdOf(name: string): string {
  return `operator/${name}`;
}

const FOLDER = 'requests';
/** Beside the ledger: an HMAC with it is in the name of each request. */
const KEY_FILE = 'request-key';
/** Where 0.1 left word of keys that were destroyed: nothing shows who did. */
const SHREDDED = 'shredded';
/** Requests that may wait: nobody may keep this ledger any more. */
const MAX_OPEN = 10_000;

/** The key by which a ledger knows the commands that leave word; who may not read it cannot. Made by the first of them. */
function requestKey(directory: string): string {
  const path = join(directory, KEY_FILE);
  const made = readText(path);
  if (made !== undefined) return made;
  const key = randomBytes(32).toString('hex');
  replaceFileSync(path, key);
  return key;
}

function digestOf(key: string, time: string, text: string): string {
  return createHmac('sha256', key).update(`${time}\n${text}`).digest('hex');
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function deedOf(text: string): OperatorRequest | undefined {
  try {
    return OperatorRequest.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function giveTo(owner: string, path: string): void {
  const { uid, gid } = statSync(owner);
  chownSync(path, uid, gid);
}
