import { parse } from 'yaml';
import { z } from 'zod';
import type { ConfiguredChain } from '../../src/assembly/configured-chains.ts';
import type { RecordFact, SpanFact } from '../../src/model/fact.ts';
import { readRecord } from '../../src/receivers/forwarded-record.ts';
import { JsonReader } from '../../src/receivers/json/json-reader.ts';
import { decodeTraces } from '../../src/receivers/otlp/decode.ts';
import { capturedFile, capturedRecords, capturedRequests, captureNames } from '../support/captures.ts';

/** A recording of the Python conserver: what it sent, and what truly happened. */
export interface Capture {
  readonly name: string;
  /** The conserver's spans of each request. */
  readonly requests: readonly (readonly SpanFact[])[];
  readonly records: readonly RecordFact[];
  readonly plans: Readonly<Record<string, ConfiguredChain>>;
  readonly runs: readonly TrueRun[];
}

const Event = z.object({
  event: z.string(),
  vcon_uuid: z.string(),
  link: z.string().optional(),
  link_index: z.number().optional(),
  storage: z.string().optional(),
  uuid_before: z.string().optional(),
  uuid_after: z.string().optional(),
  outcome: z.string().optional(),
});

const Run = z
  .object({
    chain: z.string(),
    vcon_in: z.string(),
    vcon_out: z.string(),
    chain_links: z.array(z.string()),
    outcome: z.enum(['complete', 'halted', 'error']),
    otlp: z.object({ root_span_id: z.string() }),
    expected_events: z.array(Event),
  })
  .transform(
    ({ chain, vcon_in, vcon_out, chain_links, outcome, otlp, expected_events }): TrueRun => ({
      chain,
      rootSpanId: otlp.root_span_id,
      vconIn: vcon_in,
      vconOut: vcon_out,
      links: chain_links,
      outcome,
      events: expected_events,
    }),
  );

/** A run as it truly was. */
export interface TrueRun {
  readonly chain: string;
  readonly rootSpanId: string;
  readonly vconIn: string;
  readonly vconOut: string;
  readonly links: readonly string[];
  readonly outcome: 'complete' | 'halted' | 'error';
  readonly events: readonly z.infer<typeof Event>[];
}

const Truth = z.object({ runs: z.array(Run) });
const Config = z.object({
  chains: z.record(
    z.string(),
    z.object({ links: z.array(z.string()), storages: z.array(z.string()).optional() }),
  ),
});

/** All recordings; none where they are not there. */
export function readCaptures(): Promise<Capture[]> {
  return Promise.all(captureNames().map(readCapture));
}

async function readCapture(name: string): Promise<Capture> {
  const decoded = capturedRequests(name).map(({ protobuf }) =>
    // Nothing is read as JSON here.
    decodeTraces(protobuf, 'protobuf', new JsonReader()),
  );
  return {
    name,
    requests: (await Promise.all(decoded)).map(({ spans }) => spans),
    records: capturedRecords(name).map(readRecord),
    plans: Config.parse(parse(capturedFile(name, 'config.yml'))).chains,
    runs: Truth.parse(JSON.parse(capturedFile(name, 'truth.json'))).runs,
  };
}
