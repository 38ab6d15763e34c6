import { close, fstatSync, fsync, mkdirSync, openSync, readSync, write } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { errorType, VconOtelError } from '../model/error.ts';
import { fault, ok } from '../model/finding.ts';
import { fileObstacle } from '../model/obstacle.ts';
import { type ConserverTracer, defineTracer, type EventContext } from '../model/tracer.ts';
import { parseVcon, type VconStore } from '../model/vcon.ts';

/**
 * The conserver's documented basic tracer: every call as one JSON line in a file. A call is answered when its line
 * has been handed to the operating system, and rejects with the system's error when it could not be.
 * @throws VconOtelError `FILE_UNUSABLE` from `create` when `log_file` cannot be opened for appending
 */
export default defineTracer({
  options: z.strictObject({
    log_file: z.string().min(1),
    include_vcon_data: z.boolean().default(false),
    record: z.enum(['trace', 'run', 'both']).default('trace'),
  }),
  create({ log_file, include_vcon_data, record }, { name, vcons }) {
    const file = new LineFile(log_file, `tracers.${name}.options.log_file`);
    const tracer: ConserverTracer = { forceFlush: () => file.flush(), shutdown: () => file.close() };
    if (record !== 'run')
      tracer.trace = (vcon_uuid, event, _opts, context) => {
        const head = { timestamp: timestamp(context), vcon_uuid, event };
        const metadata = metadataOf(context);
        if (!include_vcon_data) return file.append(() => JSON.stringify({ ...head, metadata }));
        return file.append(async () => {
          const vcon_summary = await summarize(vcons, vcon_uuid);
          return JSON.stringify({ ...head, vcon_summary, metadata });
        });
      };
    if (record !== 'trace')
      tracer.run = (in_vcon_uuid, out_vcon_uuid, tracer_name, links, link_index, _opts, context) => {
        const head = { timestamp: timestamp(context), call: 'run', in_vcon_uuid, out_vcon_uuid };
        const metadata = metadataOf(context);
        return file.append(() => JSON.stringify({ ...head, tracer_name, links, link_index, metadata }));
      };
    return tracer;
  },
  async probe({ log_file }) {
    const obstacle = fileObstacle(log_file);
    if (obstacle === undefined) return [ok(`${log_file} can be written`)];
    return [
      fault(`${log_file} cannot be written (${obstacle})`, 'give log_file a place that can be written'),
    ];
  },
});

/** When it happened, which is not when it is written. */
function timestamp({ time }: EventContext): string {
  return new Date(time).toISOString();
}

function metadataOf(context: EventContext) {
  return {
    chain: context.chain,
    link: context.link,
    link_index: context.linkIndex,
    storage: context.storage,
    outcome: context.outcome,
    run_id: context.runId,
    event_id: context.eventId,
    trace_id: context.spanContext.traceId,
    span_id: context.spanContext.spanId,
  };
}

/** Counts only: names would be personal data. Null where they cannot be known; never rejects. */
async function summarize(vcons: VconStore, uuid: string) {
  try {
    const text = await vcons.read(uuid);
    if (text === undefined) return null;
    const vcon = parseVcon(text);
    // Signed and encrypted forms do not show their parties: zero would be untrue.
    if (vcon.payload !== undefined || vcon.ciphertext !== undefined) return null;
    return { parties: vcon.parties?.length ?? 0, dialog_count: vcon.dialog?.length ?? 0 };
  } catch {
    return null;
  }
}

interface WaitingLine {
  readonly line: string | Promise<string>;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Appends lines to a file, in the order of the calls, one write at a time, and tells of each whether it was written.
 * By hand, because log libraries (pino, sonic-boom) answer before the write and so hide that it failed. A disk that
 * hangs is left to the caller's deadline: a line that may still be written cannot be refused.
 */
class LineFile {
  readonly #file: number;
  readonly #isRegular: boolean;
  #queue: WaitingLine[] = [];
  #writing = false;
  /** Settled when everything accepted so far is written or refused. */
  #accepted: Promise<void> = Promise.resolve();
  /** What must stand in the file before the next line may begin. */
  #unfinished: Buffer = NOTHING;
  #closed: Promise<void> | undefined;

  constructor(path: string, option: string) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#file = openSync(path, 'a+', 0o600);
      const stat = fstatSync(this.#file);
      this.#isRegular = stat.isFile();
      // A process that was killed may have left half a line: the next one must not continue it.
      if (this.#isRegular && stat.size > 0 && lastByte(this.#file, stat.size) !== NEW_LINE[0])
        this.#unfinished = NEW_LINE;
    } catch (cause) {
      throw new VconOtelError('FILE_UNUSABLE', `${option}: cannot append to this file: ${errorType(cause)}`, {
        path: option,
        cause,
      });
    }
  }

  /** Accepts a line, and only then makes it. `line` must not fail. */
  append(line: () => string | Promise<string>): Promise<void> {
    if (this.#closed) return refuse('the log file is closed');
    if (this.#queue.length >= MAX_WAITING) return refuse('the log file does not keep up');
    const written = new Promise<void>((resolve, reject) =>
      this.#queue.push({ line: line(), resolve, reject }),
    );
    this.#accepted = written.catch(() => undefined);
    if (!this.#writing) void this.#drain();
    return written;
  }

  /** Everything accepted so far is on the disk. */
  async flush(): Promise<void> {
    if (this.#closed) return this.#closed;
    await this.#accepted;
    await this.#sync();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#accepted;
    await this.#write([], []);
    try {
      await this.#sync();
    } finally {
      await closeFile(this.#file);
    }
  }

  async #sync(): Promise<void> {
    if (this.#isRegular) await fsyncFile(this.#file);
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, MAX_BATCH);
      await this.#write(batch, await Promise.all(batch.map(({ line }) => line)));
    }
    this.#writing = false;
  }

  /** One write for all lines. Those that did not get whole into the file are refused; one that was begun is finished first next time. */
  async #write(batch: readonly WaitingLine[], texts: readonly string[]): Promise<void> {
    const lines = texts.map((text) => Buffer.from(`${text}\n`));
    const data = Buffer.concat([this.#unfinished, ...lines]);
    const { written, error } = await writeAll(this.#file, data);
    let end = this.#unfinished.length;
    this.#unfinished = data.subarray(Math.min(written, end), end);
    for (const [i, { resolve, reject }] of batch.entries()) {
      const start = end;
      end += lines[i]?.length ?? 0;
      if (end <= written) resolve();
      else reject(error);
      if (start < written && written < end) this.#unfinished = data.subarray(written, end);
    }
  }
}

const NOTHING = Buffer.alloc(0);
const NEW_LINE = Buffer.from('\n');
/** Lines that may wait for their turn: the bound of the memory this takes. */
const MAX_WAITING = 10_000;
/** Lines in one write. */
const MAX_BATCH = 1_000;

const writeSome = promisify(write);
const fsyncFile = promisify(fsync);
const closeFile = promisify(close);

/** Writes until all is written or the system refuses. */
async function writeAll(file: number, data: Buffer): Promise<{ written: number; error?: unknown }> {
  let written = 0;
  try {
    while (written < data.length) written += (await writeSome(file, data, written)).bytesWritten;
    return { written };
  } catch (error) {
    return { written, error };
  }
}

function lastByte(file: number, size: number): number | undefined {
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, size - 1);
  return byte[0];
}

function refuse(reason: string): Promise<never> {
  return Promise.reject(new VconOtelError('FILE_UNUSABLE', reason));
}
