import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { errorType, VconOtelError } from '../../../model/error.ts';
import { isCorrupt, sqliteCode } from '../../../model/sqlite-error.ts';
import type { Notice, Reply, Request, WriterData } from '../messages.ts';
import { followLinks, identityOf, makeFolder, readThrough, restore, setAside } from './file.ts';
import { Housekeeping } from './housekeeping.ts';
import { lock } from './lock.ts';
import type { ConsumerId } from './schema.ts';
import { Store } from './store.ts';

//  The thread that owns the journal's file, so that waiting for a disk holds up nobody.
//
//  It answers one request after the other. After an error of the file nothing more is acknowledged on that handle:
//  it is abandoned, the request is answered with a failure, and the next request opens the file anew. A file that is
//  corrupt, and is so still when it is opened anew, is set aside; one that was deleted is written again from the handle
//  that is still open.

/** Milliseconds between two looks at the file, at what others have written, and at what can be removed. */
const TURN = 500;
/** Milliseconds of each turn that removing may take. */
const TIDY_TIME = 20;
/** Milliseconds between two tries to write a file again that was deleted. */
const RESTORE_PAUSE = 5_000;
/** How often a file is tried: as it is, opened anew, and when it was set aside. */
const TRIES = 3;

export function writer(
  data: WriterData,
  say: (word: Reply | Notice) => void,
): { last: number; answer(request: Request): void } {
  const path = followLinks(data.path);
  const names = new Map<ConsumerId, string>(data.consumers);
  let store: Store | undefined;
  let housekeeping: Housekeeping | undefined;
  let identity = '';
  let last = data.last;
  let version: number | undefined;
  let restoreAfter = 0;
  /** It was corrupt the last time. */
  let isSuspect = false;

  makeFolder(path);
  let held = lock(path);
  try {
    open();
  } catch (error) {
    held.release();
    throw error;
  }
  const turns = setInterval(() => cared(turn), TURN);

  return { last, answer };

  function answer(request: Request): void {
    if (request.ask === 'close') {
      clearInterval(turns);
      end();
      say({ of: 'close' });
      return;
    }
    say(replyTo(request));
    if (request.ask === 'commit') cared(afterCommit);
  }

  /** What was mended just now is tried again at once; anything else is to be tried later. */
  function replyTo(request: Exclude<Request, { ask: 'close' }>, tries = TRIES): Reply {
    try {
      const reply = carryOut(request);
      isSuspect = false;
      return reply;
    } catch (error) {
      const reason = obstacle(error);
      if (reason === undefined && tries > 1) return replyTo(request, tries - 1);
      return { of: 'failure', code: sqliteCode(reason ?? error) ?? errorType(reason ?? error) };
    }
  }

  /** Does something; an error is seen to. */
  function cared(work: () => void): void {
    try {
      work();
    } catch (error) {
      obstacle(error);
    }
  }

  function carryOut(request: Exclude<Request, { ask: 'close' }>): Reply {
    // What is written to a file that is not there would be durable only until the process ends.
    if (store && isGone()) restoreFile(store);
    const open = opened();
    switch (request.ask) {
      case 'commit': {
        const { answers, positions, queries, events, inbox } = request;
        const { findings, seqs } = open.transaction(() => {
          open.answer(answers);
          for (const [consumer, position] of positions) open.move(consumer, position);
          const found = queries.map((query) => open.reader.find(query));
          const given = open.append(events);
          open.keep(inbox);
          return { findings: found, seqs: given };
        });
        last = open.last;
        if (answers.includes('dropped')) housekeeping?.gaveUp();
        return { of: 'commit', seqs, findings, usage: housekeeping?.usage ?? 0 };
      }
      case 'attach': {
        const place = open.transaction(() => open.attach(request.name, request.end));
        names.set(place.consumer, request.name);
        return { of: 'attach', name: request.name, ...place };
      }
      case 'inbox':
        return { of: 'inbox', entries: open.kept(request.after) };
      case 'page':
        return { of: 'page', ...open.reader.page(request.consumer, request.after, request.upTo) };
    }
  }

  function opened(): Store {
    return store ?? open();
  }

  function open(tries = TRIES): Store {
    try {
      return openFile();
    } catch (error) {
      if (!isCorrupt(error) || tries === 1) throw error;
      doubt();
      return open(tries - 1);
    }
  }

  function openFile(): Store {
    makeFolder(path);
    const opening = new Store(path, last);
    try {
      // How the last synchronisation of the process before this one ended nobody knows; that of this one has failed.
      opening.renewLog(version !== undefined);
      opening.transaction(() => {
        for (const [consumer, name] of names) opening.reinstate(name, consumer);
      });
      housekeeping = new Housekeeping(opening, { ...data, say });
      // A connection does not see what was written between it and the one before.
      if (version !== undefined) say({ notice: 'changed' });
      version = opening.dataVersion;
    } catch (error) {
      opening.abandon();
      throw error;
    }
    identity = identityOf(path);
    last = opening.last;
    store = opening;
    return opening;
  }

  function end(): void {
    try {
      if (store && isGone()) restoreFile(store);
      store?.close();
    } catch {
      // What closing could not do is done when the file is opened again.
    }
    store = undefined;
    held.release();
  }

  function abandon(): void {
    try {
      store?.abandon();
    } catch {
      // It is not used again in any case.
    }
    store = undefined;
    housekeeping = undefined;
  }

  /** Sees to an error of the file. @returns what stands in the way of trying again at once, if anything does */
  function obstacle(error: unknown): unknown {
    try {
      if (isCorrupt(error)) {
        abandon();
        doubt();
        return undefined;
      }
      // The only copy of a file that was deleted is behind this handle, which therefore stays open.
      if (store && isGone()) {
        if (performance.now() < restoreAfter) return error;
        restoreFile(store);
        return undefined;
      }
      abandon();
      return error;
    } catch (reason) {
      return reason;
    }
  }

  /** The file is corrupt, as SQLite says, also of a disk that for once did not give what it was asked for. */
  function doubt(): void {
    if (isSuspect) putAside();
    isSuspect = !isSuspect;
  }

  function putAside(): void {
    readThrough(path);
    const aside = setAside(path, 'corrupt');
    say({ notice: 'corrupt', detail: `a corrupt journal was set aside as ${aside}` });
  }

  function isGone(): boolean {
    return identityOf(path) !== identity;
  }

  function restoreFile(from: Store): void {
    restoreAfter = performance.now() + RESTORE_PAUSE;
    makeFolder(path);
    // Gone with the folder, if that was deleted. Another service may have it by now.
    if (!held.holds()) {
      const next = lock(path);
      held.release();
      held = next;
    }
    restore(from.db, path, identity);
    abandon();
    say({ notice: 'replaced', detail: 'the journal was deleted or replaced, and has been written again' });
  }

  function turn(): void {
    if (store && isGone()) {
      if (performance.now() > restoreAfter) restoreFile(store);
      return;
    }
    if (!store) return;
    const found = store.dataVersion;
    if (found !== version) say({ notice: 'changed' });
    version = found;
    housekeeping?.tidy([...names.keys()], TIDY_TIME);
  }

  function afterCommit(): void {
    store?.checkpoint();
    if (housekeeping?.crowded) housekeeping.tidy([...names.keys()], 0);
  }
}

/** Why a journal cannot be opened, in words for a person. */
export function unusable(error: unknown, path: string): VconOtelError {
  if (error instanceof VconOtelError) return error;
  const why = sqliteCode(error) ?? errorType(error);
  return new VconOtelError('FILE_UNUSABLE', `the journal ${path} cannot be used: ${why}`, { cause: error });
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  const data = workerData as WriterData;
  try {
    const { last, answer } = writer(data, (word) => port.postMessage(word));
    port.on('message', (request: Request) => {
      answer(request);
      if (request.ask === 'close') port.close();
    });
    port.postMessage({ notice: 'open', last } satisfies Notice);
  } catch (error) {
    const { code, message } = unusable(error, data.path);
    port.postMessage({ notice: 'unusable', code, message } satisfies Notice);
    port.close();
  }
}
