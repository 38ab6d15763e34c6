import { z } from 'zod';
import { errorType, VconOtelError } from '../model/error.ts';
import { type EventName, eventName } from '../model/event.ts';
import { ok, problem } from '../model/finding.ts';
import { type ConserverTracer, defineTracer, type EventContext } from '../model/tracer.ts';
import { parseVcon, type VconLookup } from '../model/vcon.ts';
import { Batches } from '../persistence/batches.ts';
import { LineFile } from '../persistence/line-file.ts';
import { fileObstacle } from '../persistence/obstacle.ts';
import { linesWith, replaceInFile } from '../persistence/replace-text.ts';

/**
 * The conserver's documented basic tracer: every call as one JSON line in a file. A call is answered when its line
 * has been handed to the operating system, and rejects with the system's error when it could not be.
 * @throws VconOtelError `FILE_UNUSABLE` from `create` when `log_file` cannot be opened for appending
 */
export default defineTracer({
  options: z.strictObject({
    log_file: z.string().min(1).default('./data/audit.jsonl'),
    include_vcon_data: z.boolean().default(false),
    record: z.enum(['trace', 'run', 'both']).default('trace'),
  }),
  readsVcons: ({ include_vcon_data }) => include_vcon_data,
  create({ log_file, include_vcon_data, record }, { name, vcons }) {
    const file = open(log_file, `tracers.${name}.options.log_file`);
    const lines = new Batches<string | Promise<string>>({
      // A disk that hangs is left to the caller's deadline: a line that may still be written cannot be refused.
      write: async (batch) => file.write((await Promise.all(batch)).map((line) => Buffer.from(`${line}\n`))),
      maxBatch: MAX_BATCH,
      maxWaiting: MAX_WAITING,
      refusal: 'FILE_UNUSABLE',
    });
    const tracer: ConserverTracer = {
      async forceFlush() {
        await lines.flush();
        await file.sync();
      },
      async shutdown() {
        await lines.close();
        await file.close();
      },
    };
    const lineOf = (vcon_uuid: string, event: EventName, context: EventContext) => {
      const head = { timestamp: timestamp(context), vcon_uuid, event };
      const metadata = metadataOf(context);
      if (!include_vcon_data) return JSON.stringify({ ...head, metadata });
      return summarize(vcons, vcon_uuid, context).then((vcon_summary) =>
        JSON.stringify({ ...head, vcon_summary, metadata }),
      );
    };
    if (record !== 'run') {
      tracer.trace = (vconUuid, event, _opts, context) => lines.add(lineOf(vconUuid, event, context));
      tracer.traceBatch = (events) =>
        Promise.allSettled(
          events.map((event) => lines.add(lineOf(event.outVconUuid, eventName(event), event))),
        );
    }
    if (record !== 'trace')
      tracer.run = (in_vcon_uuid, out_vcon_uuid, tracer_name, links, link_index, _opts, context) => {
        const head = { timestamp: timestamp(context), call: 'run', in_vcon_uuid, out_vcon_uuid };
        const metadata = metadataOf(context);
        return lines.add(JSON.stringify({ ...head, tracer_name, links, link_index, metadata }));
      };
    return tracer;
  },
  files: ({ log_file }) => [log_file],
  erasure: {
    mentions: async ({ log_file }, { spellings }) => [
      { what: 'lines', count: await linesWith(log_file, spellings) },
    ],
    erase: ({ log_file }, { spellings }, pseudonym) => replaceInFile(log_file, spellings, pseudonym),
  },
  async probe({ log_file }) {
    const obstacle = fileObstacle(log_file);
    if (obstacle === undefined) return [ok(`${log_file} can be written`)];
    return [problem(`${log_file} cannot be written (${obstacle})`, 'name a log_file that can be written')];
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
    error_type: context.errorType,
    inferred: context.inferred.length > 0 ? context.inferred : undefined,
    sender: context.sender,
    run_id: context.runId,
    event_id: context.eventId,
    trace_id: context.spanContext.traceId,
    span_id: context.spanContext.spanId,
  };
}

/** Counts only: names would be personal data. Null where they cannot be known; never rejects. */
async function summarize(vcons: VconLookup, uuid: string, event: EventContext) {
  try {
    const text = await vcons.read(uuid, event);
    if (text === undefined) return null;
    const vcon = parseVcon(text);
    // Signed and encrypted forms do not show their parties: zero would be untrue.
    if (vcon.payload !== undefined || vcon.ciphertext !== undefined) return null;
    return { parties: vcon.parties?.length ?? 0, dialog_count: vcon.dialog?.length ?? 0 };
  } catch {
    return null;
  }
}

/** Lines that may wait for their turn, and lines in one write. */
const MAX_WAITING = 10_000;
const MAX_BATCH = 1_000;

function open(path: string, option: string): LineFile {
  try {
    return new LineFile(path);
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `${option}: cannot append to this file: ${errorType(cause)}`, {
      path: option,
      cause,
    });
  }
}
