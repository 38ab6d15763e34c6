import { existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { PRIVATE_FILE } from '../../persistence/private-file.ts';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import { syncFileSync, syncFolderSync } from '../../persistence/sync-path.ts';
import {
  CHECKPOINT_FILE,
  HISTORY_FILE,
  makeLedgerFolder,
  ROTATIONS_FILE,
  VERIFIER_KEY_FILE,
} from '../directory.ts';
import { keysInForce, rotationsOf } from '../keys/key-rotation.ts';
import { KeyStore } from '../keys/key-store.ts';
import { parseLine } from '../log/record.ts';
import { leaveRequest, type Operator } from '../log/requests.ts';
import { listSegments, recordLines } from '../log/segments.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { readHistory } from '../proof/checkpoint-history.ts';
import { parseVerifierKey, type Verifier } from '../proof/note.ts';
import type { Verdict } from '../verify/verdict.ts';
import { verifyLedger } from '../verify/verify.ts';
import { DirectoryPlace } from './directory-place.ts';
import { CHUNK } from './local-file.ts';
import { type MirrorPlace, textIn } from './place.ts';

/** What is to be brought back. */
export interface RestoreSettings {
  readonly place: MirrorPlace;
  /** Missing, empty, or what an earlier call was broken off in. */
  readonly directory: string;
  /** Who may have signed it; the key in the mirror where there are none. */
  readonly verifiers: readonly Verifier[];
  readonly operator: Operator;
  /** Hears how many bytes are there, of how many. */
  readonly progress: (done: number, all: number) => void;
}

/** What was brought back. */
export interface Restored {
  /** Unless this is `intact`, the ledger must not be used. */
  readonly verdict: Verdict;
  /** vCons whose key is not in a mirror: what records say of their content can be compared with nothing any more. */
  readonly keysLost: number;
}

/**
 * Brings a ledger back from its mirror, up to the mirror's checkpoint, and verifies it. The next service records that this was done.
 * @throws VconOtelError `FILE_UNUSABLE` where something else is in the directory, or no ledger in the mirror; `KEY_INVALID` where its checkpoint was
 * signed by another key; the place's error, or the system's: the next call goes on
 */
export async function restoreLedger(settings: RestoreSettings): Promise<Restored> {
  const { place, directory, operator } = settings;
  const { note, head, verifiers } = await signedNote(settings);
  const marker = join(directory, MARKER);
  makeLedgerFolder(directory);
  if (!existsSync(marker)) {
    if (readdirSync(directory).length > 0)
      throw new VconOtelError('FILE_UNUSABLE', `${directory} is not empty: nothing is overwritten`);
    writeFileSync(marker, `${place.name}\n`, { mode: PRIVATE_FILE, flush: true });
  }
  await copyBack(settings);
  cutTo(directory, head);
  replaceFileSync(join(directory, CHECKPOINT_FILE), note);
  const verdict = verifyLedger({ directory, verifiers, mustBeSigned: true });
  if (verdict.verdict !== 'intact') return { verdict, keysLost: 0 };
  const keysLost = markDestroyed(directory);
  leaveRequest(directory, { ...operator, event: 'ledger_restored', size: head.size, keys_lost: keysLost });
  rmSync(marker);
  syncFolderSync(directory);
  return { verdict, keysLost };
}

/** There while a ledger is being brought back. */
const MARKER = 'restoring';
/** What a mirror has: whatever else is there is none of a ledger's. */
const FILES =
  /^(?:segments\/\d{20}\.jsonl|tile\/\d{1,2}\/(?:x\d{3}\/)*\d{3}(?:\.p\/\d{1,3})?|witnesses\/[0-9a-f]{8})$/;

async function signedNote({ place, verifiers }: RestoreSettings) {
  const note = await textIn(place, CHECKPOINT_FILE);
  if (note === undefined)
    throw new VconOtelError('FILE_UNUSABLE', `there is no ledger in ${place.name}: it has no checkpoint`);
  const vkey = (await textIn(place, VERIFIER_KEY_FILE)) ?? '';
  const given = verifiers.length > 0 ? verifiers : [parseVerifierKey(vkey.trim())];
  const trusted = keysInForce(given, rotationsOf((await textIn(place, ROTATIONS_FILE)) ?? ''));
  const opened = openCheckpoint(note, trusted);
  if (opened.state !== 'signed')
    throw new VconOtelError('KEY_INVALID', 'the checkpoint of the mirror was not signed by the given key');
  return { note, head: opened.head, verifiers: trusted };
}

async function copyBack({ place, directory, progress }: RestoreSettings): Promise<void> {
  const local = new DirectoryPlace(directory);
  const there = [...(await place.list(''))].filter(
    ([name]) => FILES.test(name) || [HISTORY_FILE, VERIFIER_KEY_FILE, ROTATIONS_FILE].includes(name),
  );
  const all = there.reduce((sum, [, bytes]) => sum + bytes, 0);
  const here = await local.list('');
  let done = 0;
  for (const [name, bytes] of there) {
    const had = here.get(name) ?? 0;
    let at = Math.min(had, bytes);
    if (at < bytes && !name.startsWith('segments/')) at = 0;
    while (at < bytes) {
      const data = await place.read(name, at, Math.min(CHUNK, bytes - at));
      if (!data || data.length === 0)
        throw new VconOtelError('FILE_UNUSABLE', `${name} has become shorter in ${place.name}`);
      await local.append(name, at, data);
      at += data.length;
      progress(done + at, all);
    }
    done += bytes;
    progress(done, all);
  }
}

/** What the mirror's checkpoint does not cover was being copied, or was put there by somebody else. */
function cutTo(directory: string, { size }: TreeHead): void {
  for (const { first, file } of listSegments(directory)) {
    const path = join(directory, file);
    if (first > 0 && first >= size) {
      rmSync(path);
      continue;
    }
    let [seq, end] = [first, 0];
    if (first + 1 <= size)
      for (const { text, offset, whole } of recordLines(directory, { first, file })) {
        if (!whole || seq >= size) break;
        seq += 1;
        end = offset + text.length + 1;
      }
    truncateSync(path, end);
    syncFileSync(path);
  }
  const history = join(directory, HISTORY_FILE);
  let end = 0;
  for (const { note, offset, whole } of readHistory(history)) {
    const opened = whole ? openCheckpoint(note, []) : undefined;
    if (!opened || !('head' in opened) || opened.head.size > size) break;
    end = offset + Buffer.byteLength(note);
  }
  if (existsSync(history)) truncateSync(history, end);
}

/** A vCon whose key was destroyed never gets another one. @returns how many vCons had a key that is not here */
function markDestroyed(directory: string): number {
  const keys = new KeyStore(directory);
  const lost = new Set<string>();
  for (const segment of listSegments(directory))
    for (const { text } of recordLines(directory, segment)) {
      if (!text.includes('key_')) continue;
      const parsed = parseLine(text.toString());
      if (!('record' in parsed)) continue;
      const { record } = parsed;
      if (record.event === 'vcon_key_destroyed') {
        keys.destroy(record.vcon_uuid);
        lost.delete(record.vcon_uuid);
      } else if ('key_commitment' in record && record.key_commitment !== undefined)
        lost.add(record.vcon_uuid);
    }
  return lost.size;
}
