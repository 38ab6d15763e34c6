import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../model/clock.ts';
import { errorType, VconOtelError } from '../../../model/error.ts';
import { sqliteCode } from '../../../persistence/sqlite-error.ts';
import type { Commit, Notice, Opened, WriterData, WriterReply, WriterRequest } from '../messages.ts';
import { KeptFile } from './kept-file.ts';
import type { Store } from './store.ts';

//  The thread that owns the journal's file, so that waiting for a disk holds up nobody. It answers one request after the
//  other; what cannot be done is answered with a failure, and the next request finds the file mended, where that is possible.

const NO_REPEATS: ReadonlyMap<number, number> = new Map();
/** How often a request is tried: with the file as it is, opened anew, and when it was set aside. */
const TRIES = 3;

/** What is asked of the file. */
type FileRequest = Exclude<WriterRequest, { ask: 'close' | 'detach' | 'turn' }>;

/**
 * Opens the file.
 * @param elapsed milliseconds on a clock that nobody sets, by which work is divided
 */
export function writer(
  data: WriterData,
  say: (word: WriterReply | Notice) => void,
  elapsed: () => number,
): Opened & { answer(request: WriterRequest): void } {
  const file = new KeptFile(data, { say, elapsed });
  return { last: file.last, id: file.id, answer };

  function answer(request: WriterRequest): void {
    if (request.ask === 'commit' || request.ask === 'turn') file.time = request.time;
    switch (request.ask) {
      case 'detach':
        file.consumers.delete(request.consumer);
        say({ of: 'detach', consumer: request.consumer });
        return;
      case 'close':
        file.close();
        say({ of: 'close' });
        return;
      case 'turn':
        file.turn();
        say({ of: 'turn' });
        return;
      default:
        say(replyTo(request));
        file.answered();
    }
  }

  /** What was mended just now is tried again at once; anything else is to be tried later. */
  function replyTo(request: FileRequest, tries = TRIES): WriterReply {
    try {
      return file.use((store) => carryOut(request, store));
    } catch (error) {
      const reason = file.obstacle(error);
      if (reason === undefined && tries > 1) return replyTo(request, tries - 1);
      return { of: 'failure', code: sqliteCode(reason ?? error) ?? errorType(reason ?? error) };
    }
  }

  function carryOut(request: FileRequest, store: Store): WriterReply {
    switch (request.ask) {
      case 'commit': {
        const saved = save(request, store);
        if (request.answers.includes('dropped')) file.gaveUp();
        return { of: 'commit', ...saved, usage: file.usage };
      }
      case 'attach': {
        const place = store.transaction(() => store.attach(request.name, request.end));
        file.consumers.set(place.consumer, request.name);
        return { of: 'attach', name: request.name, ...place };
      }
      case 'input':
        return { of: 'input', ...store.input.bounds() };
      case 'entries':
        return { of: 'entries', blocks: store.input.read(request.from, request.bytes) };
      case 'page':
        return { of: 'page', ...store.reader.page(request.consumer, request.after, request.upTo) };
    }
  }
}

function save({ answers, heard, positions, queries, events, entries, lowWatermark }: Commit, store: Store) {
  return store.transaction(() => {
    store.answer(answers);
    store.heard.note(heard);
    for (const [consumer, position] of positions) store.move(consumer, position);
    const findings = queries.map((query) => store.reader.find(query));
    // Entries first: an event is told from entries that were kept before it.
    if (entries) store.keep(entries);
    const before = store.last;
    const repeats = events ? store.append(events) : NO_REPEATS;
    if (lowWatermark !== undefined) store.input.advance(lowWatermark);
    return { findings, before, last: store.last, repeats };
  });
}

/** What the other thread gets without a copy: nobody here has it any more. */
function given(word: WriterReply | Notice): ArrayBuffer[] {
  if (!('of' in word) || word.of !== 'entries') return [];
  return word.blocks.map(({ block }) => block.buffer as ArrayBuffer);
}

/** Why a journal cannot be opened, in words for a person. */
export function unusableJournal(error: unknown, path: string): VconOtelError {
  if (error instanceof VconOtelError) return error;
  const why = sqliteCode(error) ?? errorType(error);
  return new VconOtelError('FILE_UNUSABLE', `the journal ${path} cannot be used: ${why}`, { cause: error });
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  const data = workerData as WriterData;
  try {
    const { last, id, answer } = writer(
      data,
      (word) => port.postMessage(word, given(word)),
      systemClock.elapsed,
    );
    port.on('message', (request: WriterRequest) => {
      answer(request);
      if (request.ask === 'close') port.close();
    });
    port.postMessage({ notice: 'open', last, id } satisfies Notice);
  } catch (error) {
    const { code, message } = unusableJournal(error, data.path);
    port.postMessage({ notice: 'unusable', code, message } satisfies Notice);
    port.close();
  }
}
