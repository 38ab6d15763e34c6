import { type SpanContext, TraceFlags } from '@opentelemetry/api';
import { z } from 'zod';
import type { FactOrigin, ServerFact } from '../model/server-fact.ts';
import { isVconUuid } from '../model/vcon.ts';
import { invalid, MAX_LIST, name, names, onlyOne } from './names.ts';
import { isUsualFact } from './usual-fact.ts';

const nanoseconds = z.string().regex(/^\d{1,20}$/);
const hex = (length: number) => z.string().regex(new RegExp(`^(?!0+$)[0-9a-f]{${length}}$`));
const errorClass = z
  .string()
  .transform((text) => (/^[A-Za-z_$][\w$.]{0,127}$/.test(text) ? text : '_OTHER'))
  .optional();
/** Whatever the server had in its place, or nothing: a link may have returned anything. */
const uuid = z
  .unknown()
  .optional()
  .transform((value) => (isVconUuid(value) ? value : undefined));
const index = z.int().min(0).max(MAX_LIST).optional();

const span = {
  stage: z.enum(['chain', 'link', 'storage']),
  name,
  chain: name,
  vcon: uuid,
  span: hex(16),
  trace: hex(32),
  parent: hex(16).optional().catch(undefined),
  index,
  start: nanoseconds,
};
const producer = z
  .object({ trace_id: hex(32), span_id: hex(16) })
  .optional()
  .catch(undefined);

const Event = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('attach'),
    process: name,
    spans: z.string(),
    hooks: z.record(z.string(), z.boolean()),
    extras: z.record(z.string(), z.boolean()),
  }),
  z.object({ kind: z.literal('alive'), runs: z.array(z.int()).max(MAX_LIST).default([]) }),
  z.object({ kind: z.literal('detach') }),
  z.object({ kind: z.literal('gap') }),
  z.object({
    kind: z.literal('run_start'),
    vcon: uuid,
    chain: name,
    links: names.prefault([]),
    storages: names.prefault([]),
    egress_lists: names.prefault([]),
    producer,
    proceed: z.boolean(),
    error: errorClass,
  }),
  z.object({ kind: z.literal('span_start'), ...span }),
  z.object({
    kind: z.literal('span_end'),
    ...span,
    end: nanoseconds,
    status: z.enum(['UNSET', 'OK', 'ERROR']),
    error: errorClass,
  }),
  z.object({
    kind: z.literal('after_link'),
    link: name,
    index,
    error: errorClass,
    halted: z.boolean().optional(),
    next: uuid,
  }),
  z.object({
    kind: z.literal('tracer'),
    tracer: name,
    in: uuid,
    out: uuid,
    links: names.prefault([]),
    index: z.int().min(-1).max(MAX_LIST),
    chain: name.optional(),
    span: hex(16).optional(),
    trace: hex(32).optional(),
    parent: hex(16).optional(),
    sha256: hex(64).optional(),
  }),
  z.object({ kind: z.literal('run_end'), vcon: uuid, error: errorClass, index, raised: errorClass }),
  z.object({ kind: z.literal('egress') }),
  z.object({ kind: z.literal('halt'), link: name }),
  z.object({ kind: z.literal('storage_call'), storage: name, vcon: uuid }),
  z.object({ kind: z.literal('storage_return'), storage: name, vcon: uuid, error: errorClass }),
]);

const Origin = z.object({
  v: z.literal(2),
  kind: z.string().max(64),
  host: z.string().min(1).max(256),
  pid: z.int().min(0),
  boot: nanoseconds,
  seq: z.int().min(1),
  ts: nanoseconds,
  thread: z.union([z.int(), z.string().max(64)]).default(0),
  run: z.int().min(1).optional(),
});

/**
 * Reads a fact of a module inside the server (docs/facts.md, record v2). A kind that is not known is a fact all the same:
 * its number is not missing.
 * @throws VconOtelError `RECORD_INVALID`, naming the field, never quoting it
 */
export function readServerFact(value: unknown): ServerFact {
  if (!isUsualFact(value)) return readBySchema(value);
  const fact = value as z.output<typeof Origin> & z.output<typeof Event>;
  return factOf(originOf(fact), fact);
}

/** As {@link readServerFact}, however usual a fact is. */
export function readBySchema(value: unknown): ServerFact {
  const read = valid(Origin, value);
  const origin = originOf(read);
  return KINDS.has(read.kind) ? factOf(origin, valid(Event, value)) : { ...origin, kind: 'other' };
}

function originOf({ host, pid, boot, seq, ts, thread, run }: z.output<typeof Origin>): FactOrigin {
  return { host, pid, boot, seq, time: BigInt(ts), thread: String(thread), run };
}

/** The kinds that are read. */
const KINDS: ReadonlySet<string> = new Set(Event.options.map(({ shape }) => shape.kind.value));

function valid<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw invalid(error);
}

/** Each kind is written out after its origin: an object that is put together of two others takes several times as long. */
function factOf(origin: FactOrigin, fact: z.output<typeof Event>): ServerFact {
  switch (fact.kind) {
    case 'attach': {
      const { process, spans, hooks, extras } = fact;
      const hasExtras = ['returned', 'egress', 'storages'].every((extra) => extras[extra] === true);
      return {
        ...origin,
        kind: 'attach',
        process,
        spans: spans !== 'none',
        exportsSpans: spans === 'server',
        extras: hasExtras,
        hasRuns: hooks.before_processing === true && hooks.after_processing === true,
        afterLink: hooks.after_link === true,
      };
    }
    case 'run_start': {
      const { vcon, chain, links, storages, egress_lists: egressLists, proceed, error } = fact;
      const queuedBy = fact.producer && contextOf(fact.producer.trace_id, fact.producer.span_id);
      return {
        ...origin,
        kind: 'run_start',
        vconUuid: vcon,
        chain,
        links: onlyOne(links),
        storages: onlyOne(storages),
        egressLists: onlyOne(egressLists),
        queuedBy,
        proceed,
        error,
      };
    }
    case 'span_start':
      return {
        ...origin,
        kind: 'span_start',
        stage: fact.stage,
        name: fact.name,
        spanId: fact.span,
        traceId: fact.trace,
        parentSpanId: fact.parent,
        chain: fact.chain,
        vconUuid: fact.vcon,
        index: fact.index,
        start: BigInt(fact.start),
      };
    case 'span_end':
      return {
        ...origin,
        kind: 'span_end',
        stage: fact.stage,
        name: fact.name,
        spanId: fact.span,
        traceId: fact.trace,
        parentSpanId: fact.parent,
        chain: fact.chain,
        vconUuid: fact.vcon,
        index: fact.index,
        start: BigInt(fact.start),
        end: BigInt(fact.end),
        status: STATUS[fact.status],
        error: fact.error,
      };
    case 'after_link': {
      const { link, index: place, error, halted, next } = fact;
      return {
        ...origin,
        kind: 'after_link',
        link,
        index: place,
        error,
        returned: halted ? false : halted === false ? next : undefined,
      };
    }
    case 'tracer': {
      // The server passes the uuid after the link as `in` and the one before it as `out`: put right here, once.
      const {
        in: after,
        out: before,
        links,
        index,
        chain,
        span: spanId,
        trace: traceId,
        parent,
        sha256,
      } = fact;
      const linkSpan = spanId && traceId ? { spanId, traceId, parentSpanId: parent } : undefined;
      return {
        ...origin,
        kind: 'tracer',
        tracer: fact.tracer,
        before,
        after,
        links: onlyOne(links),
        index,
        chain,
        linkSpan,
        vconSha256: sha256,
      };
    }
    case 'run_end': {
      const { vcon, error, index: failed, raised } = fact;
      return { ...origin, kind: 'run_end', vconUuid: vcon, error, index: failed, raised };
    }
    case 'storage_call':
      return { ...origin, kind: 'storage_start', storage: fact.storage, vconUuid: fact.vcon };
    case 'storage_return':
      return {
        ...origin,
        kind: 'storage_end',
        storage: fact.storage,
        vconUuid: fact.vcon,
        error: fact.error,
      };
    default:
      return { ...origin, ...fact };
  }
}

const STATUS = { UNSET: 'unset', OK: 'ok', ERROR: 'error' } as const;

function contextOf(traceId: string, spanId: string): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}
