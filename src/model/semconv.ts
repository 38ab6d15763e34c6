import type { Stage } from './event.ts';

/** The instrumentation scope of every span and metric we make. */
export const SCOPE_NAME = 'vcon-otel';

const PREFIX = {
  chain: 'vcon_processing.',
  link: 'link.',
  storage: 'storage.',
} as const satisfies Record<Stage, string>;

/** The conserver's span name, e.g. `link.transcribe`. */
export function spanName(stage: Stage, name: string): string {
  return PREFIX[stage] + name;
}

/** The inverse of {@link spanName}: the stage a span name speaks of, or undefined for everybody else's spans. */
export function stageOf(name: string): Stage | undefined {
  if (name.startsWith(PREFIX.link)) return name.length > PREFIX.link.length ? 'link' : undefined;
  if (name.startsWith(PREFIX.storage)) return name.length > PREFIX.storage.length ? 'storage' : undefined;
  if (name.startsWith(PREFIX.chain)) return name.length > PREFIX.chain.length ? 'chain' : undefined;
  return undefined;
}

/** The second half of a span name: the chain, link or storage it is about. */
export function nameOf(stage: Stage, name: string): string {
  return name.slice(PREFIX[stage].length);
}

/** Attribute keys that the Python conserver writes on its spans (CONSERVER §4); ours stand beside them. */
export const CONSERVER_ATTR = {
  vconId: 'vcon_id',
  chainName: 'chain_name',
  linkName: 'link_name',
  linkIndex: 'link_index',
  storageName: 'storage_name',
} as const;

/** Attribute keys of our own, on spans (and, where marked, on metrics). */
export const ATTR = {
  vconUuid: 'vcon.uuid',
  vconOutUuid: 'vcon.out_uuid',
  chainName: 'vcon.chain.name',
  chainLinks: 'vcon.chain.links',
  chainOutcome: 'vcon.chain.outcome',
  linkName: 'vcon.link.name',
  linkIndex: 'vcon.link.index',
  linkOutcome: 'vcon.link.outcome',
  storageName: 'vcon.storage.name',
  storageOutcome: 'vcon.storage.outcome',
  ingressList: 'vcon.ingress_list',
  tracerName: 'vcon.tracer.name',
  outcome: 'vcon.outcome',
  /** Names of facts that were concluded rather than observed, on spans that are replayed. */
  inferred: 'vcon.inferred',
  /** Hash of the document that the chain goes on with, at that moment. */
  vconSha256: 'vcon.sha256',
  issueKind: 'vcon.issue.kind',
  errorType: 'error.type',
  peerService: 'peer.service',
  dbSystemName: 'db.system.name',
  cpuMode: 'cpu.mode',
} as const;

/** Name, unit (UCUM) and description of an instrument. */
export interface MetricDescription {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
}

/** Every metric this package can make. In Prometheus `.` becomes `_`, `s` adds `_seconds`, a counter adds `_total`. */
export const METRIC = {
  chainDuration: {
    name: 'vcon.chain.duration',
    unit: 's',
    description: 'Duration of a passage of one vCon through one chain.',
  },
  chainActive: {
    name: 'vcon.chain.active',
    unit: '{run}',
    description: 'Passages of a vCon through a chain that are under way.',
  },
  linkDuration: { name: 'vcon.link.duration', unit: 's', description: 'Duration of a link.' },
  storageDuration: {
    name: 'vcon.storage.duration',
    unit: 's',
    description: 'Duration of a write to a storage.',
  },
  tracerDuration: {
    name: 'vcon.tracer.duration',
    unit: 's',
    description:
      'Time a tracer took: one measurement for each event it answered asynchronously, one for each batch of events it answered at once.',
  },
  tracerDeliveries: {
    name: 'vcon.tracer.deliveries',
    unit: '{event}',
    description: 'Events a tracer was due to hear, by what became of them, and attempts that are made again.',
  },
  tracerCircuitOpen: {
    name: 'vcon.tracer.circuit_open',
    unit: '{tracer}',
    description: '1 while a tracer that does not answer is left alone, 0 otherwise.',
  },
  journalDepth: {
    name: 'vcon.journal.depth',
    unit: '{event}',
    description: 'Events a tracer has still to hear.',
  },
  journalOldestAge: {
    name: 'vcon.journal.oldest_age',
    unit: 's',
    description: 'Age of the oldest event a tracer has still to hear.',
  },
  journalDeadLetters: {
    name: 'vcon.journal.dead_letters',
    unit: '{event}',
    description: 'Events given up that the journal keeps for a tracer.',
  },
  journalFull: {
    name: 'vcon.journal.full',
    unit: '{journal}',
    description: '1 while the journal asks whoever feeds it to come back later, 0 otherwise.',
  },
  journalSize: { name: 'vcon.journal.size', unit: 'By', description: 'What the journal takes on its disk.' },
  journalMaxSize: { name: 'vcon.journal.max_size', unit: 'By', description: 'What the journal may take.' },
  ledgerRecords: { name: 'vcon.ledger.records', unit: '{record}', description: 'Records in a ledger.' },
  ledgerCheckpointRecords: {
    name: 'vcon.ledger.checkpoint_records',
    unit: '{record}',
    description: 'Records of a ledger that its newest signed checkpoint covers.',
  },
  ledgerCheckpointAge: {
    name: 'vcon.ledger.checkpoint_age',
    unit: 's',
    description: 'Age of a ledger’s newest signed checkpoint.',
  },
  bridgeIssues: {
    name: 'vcon.bridge.issues',
    unit: '{issue}',
    description: 'Things the bridge could not make sense of, by kind.',
  },
  receiverSpans: {
    name: 'vcon.receiver.spans',
    unit: '{span}',
    description:
      'Spans that arrived, by what became of them: those that are not the conserver’s are ignored.',
  },
  receiverRecords: {
    name: 'vcon.receiver.records',
    unit: '{record}',
    description: 'Forwarded records that arrived, or are known to be lost, by what became of them.',
  },
  receiverRuns: {
    name: 'vcon.receiver.runs',
    unit: '{run}',
    description: 'Runs heard from outside that are not over.',
  },
  receiverIssues: {
    name: 'vcon.receiver.issues',
    unit: '{issue}',
    description: 'What was wrong with what arrived, by kind.',
  },
  receiverLag: {
    name: 'vcon.receiver.stream_lag',
    unit: '{record}',
    description: 'Records in the Redis stream that have still to be read.',
  },
  exporterSpans: {
    name: 'vcon.exporter.spans',
    unit: '{span}',
    description:
      'Sampled spans handed to the exporter, by what became of them, and tries that are made again.',
  },
  /** Of the process itself, by OpenTelemetry's own names (semantic conventions: process, Node.js runtime). */
  processMemory: {
    name: 'process.memory.usage',
    unit: 'By',
    description: 'Physical memory that the process takes.',
  },
  processCpu: {
    name: 'process.cpu.time',
    unit: 's',
    description: 'CPU time that the process has taken, by mode.',
  },
  eventLoopDelay: {
    name: 'nodejs.eventloop.delay.p99',
    unit: 's',
    description:
      'Delay of the event loop that 99 % of turns stayed below since the metrics were last collected.',
  },
} as const satisfies Record<string, MetricDescription>;

/** Histogram boundaries in seconds, 5 ms to 30 min: chains of fast links and of slow ones in one scale. */
export const DURATION_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800,
];
