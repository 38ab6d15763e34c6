import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { SpanFact } from '../../src/model/fact.ts';
import { nameOf, stageOf } from '../../src/model/semconv.ts';
import type { ServerFact } from '../../src/model/server-fact.ts';
import { isVconUuid } from '../../src/model/vcon.ts';
import { JsonReader } from '../../src/receivers/json/json-reader.ts';
import { decodeTraces } from '../../src/receivers/otlp/decode.ts';

/** Where the recordings of facts are. */
const FACTS = join(import.meta.dirname, '../../../shared/captures-facts');

/** Why they cannot be read; undefined where they can. */
export const NO_FACTS = existsSync(FACTS) ? undefined : `there is no ${FACTS}`;

/** The recordings, by name. */
export function factRecordings(): string[] {
  if (NO_FACTS) return [];
  const entries = readdirSync(FACTS, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** A run as it truly was. */
export interface TrueRun {
  readonly chain: string;
  readonly vcon_in: string;
  readonly outcome: string;
  /** Of its chain span, where the server had spans. */
  readonly otlp?: { readonly root_span_id: string | null } | null | undefined;
  readonly expected_events: readonly Readonly<Record<string, unknown>>[];
}

const Truth = z.object({
  runs: z.array(
    z.object({
      chain: z.string(),
      vcon_in: z.string(),
      outcome: z.string(),
      otlp: z.object({ root_span_id: z.string().nullable() }).nullish(),
      expected_events: z.array(z.record(z.string(), z.unknown())),
    }),
  ),
});

/** What truly happened in a recording. */
export function trueRuns(recording: string): TrueRun[] {
  return Truth.parse(JSON.parse(readFileSync(join(FACTS, recording, 'truth.json'), 'utf8'))).runs;
}

const Config = z.object({
  chains: z.record(
    z.string(),
    z.object({ links: z.array(z.string()), storages: z.array(z.string()).nullish() }),
  ),
});

/** What the server's configuration said of its chains. */
export function configuredChains(recording: string): Record<string, { links: string[]; storages: string[] }> {
  const { chains } = Config.parse(parse(readFileSync(join(FACTS, recording, 'config.yml'), 'utf8')));
  return Object.fromEntries(
    Object.entries(chains).map(([name, { links, storages }]) => [name, { links, storages: storages ?? [] }]),
  );
}

type Line = Readonly<Record<string, unknown>>;

/**
 * The facts of a recording, as record v2 has them, in the order in which they were written.
 * @param extras with what no official hook tells
 */
export function recordedFacts(recording: string, extras: boolean): ServerFact[] {
  const facts = linesOf(recording, 'facts.jsonl');
  const more = extras ? linesOf(recording, 'extra.jsonl') : [];
  const boots = new Map<unknown, string>();
  const found: ServerFact[] = [];
  const seqs = new Map<unknown, number>();
  const put = (line: Line, event: object) => {
    const seq = (seqs.get(line.pid) ?? 0) + 1;
    seqs.set(line.pid, seq);
    if (!boots.has(line.pid)) boots.set(line.pid, String(line.ts));
    found.push({
      host: 'worker.test',
      pid: line.pid,
      boot: boots.get(line.pid),
      seq,
      time: BigInt(String(line.ts)),
      thread: String(line.thread),
      run: undefined,
      ...event,
    } as ServerFact);
  };
  for (const line of facts) {
    const after = more.filter(({ pid, after_seq }) => pid === line.pid && after_seq === line.seq);
    const peek = after.find(({ kind, known }) => kind === 'peek' && known === true);
    const event = eventOf(line, peek, facts);
    if (event) put(line, event.kind === 'attach' ? { ...event, extras } : event);
    for (const extra of after) {
      const told = extraOf(extra);
      if (told) put(extra, told);
    }
  }
  return found;
}

function linesOf(recording: string, file: string): Line[] {
  const path = join(FACTS, recording, file);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Line);
}

function eventOf(line: Line, peek: Line | undefined, facts: readonly Line[]): { kind: string } | undefined {
  const { kind } = line;
  const error = line.error ?? undefined;
  if (kind === 'attach') {
    const hooks = line.hooks as Record<string, boolean>;
    return {
      kind,
      process: line.process,
      spans: line.spans,
      exportsSpans: line.spans,
      hasRuns: hooks.before_processing && hooks.after_processing,
      afterLink: hooks.after_link,
    } as never;
  }
  if (kind === 'run_start')
    return {
      kind,
      vconUuid: uuid(line.vcon),
      chain: line.chain,
      links: line.links ?? [],
      storages: line.storages ?? [],
      egressLists: line.egress_lists ?? [],
      queuedBy: undefined,
      proceed: line.proceed,
      error,
    } as never;
  if (kind === 'span_start' || kind === 'span_end') {
    const stage = stageOf(String(line.name));
    const attrs = line.attrs as Record<string, unknown>;
    if (!stage) return undefined;
    return {
      kind,
      stage,
      name: nameOf(stage, String(line.name)),
      spanId: line.span,
      traceId: line.trace,
      parentSpanId: line.parent ?? undefined,
      chain: attrs.chain_name,
      vconUuid: uuid(attrs.vcon_id),
      index: attrs.link_index,
      start: BigInt(String(line.start)),
      ...(kind === 'span_end' && {
        end: BigInt(String(line.end)),
        status: String(line.status).toLowerCase(),
        error,
      }),
    } as never;
  }
  if (kind === 'after_link') {
    const returned = peek ? (uuid(peek.returned) ?? false) : undefined;
    return { kind, link: line.link, error, returned: error === undefined ? returned : undefined } as never;
  }
  if (kind === 'tracer') {
    // The module inside sees the link's span itself; the recording has its id, and the span elsewhere.
    const current = facts.find(({ kind, span }) => kind === 'span_end' && span === line.cur && span !== null);
    return {
      kind,
      tracer: line.tracer,
      before: uuid(line.out),
      after: uuid(line.in),
      links: line.links,
      index: line.index,
      chain: (current?.attrs as Line | undefined)?.chain_name,
      linkSpan: current && {
        spanId: current.span,
        traceId: current.trace,
        parentSpanId: current.parent ?? undefined,
      },
      vconSha256: undefined,
    } as never;
  }
  if (kind === 'run_end') return { kind, vconUuid: uuid(line.vcon), error, raised: undefined } as never;
  return undefined;
}

function extraOf(line: Line): object | undefined {
  const { kind, storage, error } = line;
  if (kind === 'egress') return { kind };
  if (kind === 'storage_call') return { kind: 'storage_start', storage, vconUuid: uuid(line.vcon) };
  if (kind === 'storage_return')
    return { kind: 'storage_end', storage, vconUuid: uuid(line.vcon), error: error ?? undefined };
  return undefined;
}

function uuid(value: unknown): string | undefined {
  return isVconUuid(value) ? value : undefined;
}

/** The conserver's spans of each request that the same server exported of the same runs; none where it was not recorded. */
export async function recordedSpans(recording: string): Promise<(readonly SpanFact[])[]> {
  const folder = join(FACTS, recording, 'requests');
  if (!existsSync(folder)) return [];
  const bodies = readdirSync(folder)
    .sort()
    .map((file) => readFileSync(join(folder, file)));
  // Nothing is read as JSON here.
  const requests = bodies.map((body) => decodeTraces(body, 'protobuf', new JsonReader()));
  return (await Promise.all(requests)).map(({ spans }) => spans);
}
