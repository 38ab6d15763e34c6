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

/** The inverse of {@link spanName}: the stage that a span name stands for, or undefined for spans that are not the conserver's. */
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

/** Attribute keys that the Python conserver writes on its spans (CONSERVER §4), beside which we write ours. */
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
  exporterName: 'vcon.exporter.name',
  outcome: 'vcon.outcome',
  /** Names of facts that were concluded rather than observed, on spans built from what was received. */
  inferred: 'vcon.inferred',
  /** Hash, at that moment, of the document that the chain goes on with. */
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
    description: 'Events that a tracer was due to hear, by outcome, and attempts that are made again.',
  },
  tracerCircuitOpen: {
    name: 'vcon.tracer.circuit_open',
    unit: '{tracer}',
    description: '1 while a tracer that does not answer is left alone, 0 otherwise.',
  },
  journalDepth: {
    name: 'vcon.journal.depth',
    unit: '{event}',
    description: 'Events that a tracer has yet to hear.',
  },
  journalOldestAge: {
    name: 'vcon.journal.oldest_age',
    unit: 's',
    description: 'Age of the oldest event that a tracer has yet to hear.',
  },
  journalDeadLetters: {
    name: 'vcon.journal.dead_letters',
    unit: '{event}',
    description: 'Events that were given up and that the journal keeps for a tracer.',
  },
  journalFull: {
    name: 'vcon.journal.full',
    unit: '{journal}',
    description: '1 while the journal asks its sources to come back later, 0 otherwise.',
  },
  journalSize: { name: 'vcon.journal.size', unit: 'By', description: 'Size of the journal on its disk.' },
  journalMaxSize: { name: 'vcon.journal.max_size', unit: 'By', description: 'Size limit of the journal.' },
  ledgerRecords: { name: 'vcon.ledger.records', unit: '{record}', description: 'Records in a ledger.' },
  ledgerCheckpointRecords: {
    name: 'vcon.ledger.checkpoint_records',
    unit: '{record}',
    description: 'Records of a ledger that its newest signed checkpoint covers.',
  },
  ledgerFault: {
    name: 'vcon.ledger.fault',
    unit: '{ledger}',
    description: '1 while a ledger is not what it was, and so records and signs nothing; else 0.',
  },
  ledgerQuorumAge: {
    name: 'vcon.ledger.quorum_age',
    unit: 's',
    description:
      'Seconds since a quorum of witnesses has cosigned a checkpoint of a ledger; since the start if none has.',
  },
  ledgerMirrorPending: {
    name: 'vcon.ledger.mirror_pending',
    unit: '{record}',
    description: 'Records of a ledger that its mirror does not have yet.',
  },
  ledgerMirrorLag: {
    name: 'vcon.ledger.mirror_lag',
    unit: 's',
    description:
      'Seconds for which the mirror of a ledger has lacked something that is signed; 0 while it does not.',
  },
  ledgerCheckpointAge: {
    name: 'vcon.ledger.checkpoint_age',
    unit: 's',
    description: 'Age of a ledger’s newest signed checkpoint.',
  },
  storeReads: {
    name: 'vcon.store.reads',
    unit: '{read}',
    description: 'Documents that tracers asked the vCon store for, by outcome.',
  },
  bridgeIssues: {
    name: 'vcon.bridge.issues',
    unit: '{issue}',
    description: 'Things the bridge could not make sense of, by kind.',
  },
  receiverSpans: {
    name: 'vcon.receiver.spans',
    unit: '{span}',
    description: 'Spans that arrived, by outcome; those that are not the conserver’s are ignored.',
  },
  receiverRecords: {
    name: 'vcon.receiver.records',
    unit: '{record}',
    description: 'Forwarded records that arrived, or are known to be lost, by outcome.',
  },
  receiverRuns: {
    name: 'vcon.receiver.runs',
    unit: '{run}',
    description: 'Runs heard of from outside that are not over.',
  },
  receiverIssues: {
    name: 'vcon.receiver.issues',
    unit: '{issue}',
    description: 'What was wrong with what arrived, by kind.',
  },
  receiverLag: {
    name: 'vcon.receiver.stream_lag',
    unit: '{record}',
    description: 'Records in the Redis stream that have yet to be read.',
  },
  receiverFailing: {
    name: 'vcon.receiver.stream_failing',
    unit: '{stream}',
    description: '1 while the Redis stream cannot be read, else 0.',
  },
  exporterSpans: {
    name: 'vcon.exporter.spans',
    unit: '{span}',
    description: 'Sampled spans handed to the exporter, by outcome, and attempts that are made again.',
  },
  exporterPending: {
    name: 'vcon.exporter.pending',
    unit: '{span}',
    description: 'Spans that an exporter has yet to send.',
  },
  exporterOldestAge: {
    name: 'vcon.exporter.oldest_age',
    unit: 's',
    description: 'Age of the oldest span on the disk that an exporter has yet to send.',
  },
  /** The process itself, under OpenTelemetry's own names (semantic conventions: process, Node.js runtime). */
  processMemory: {
    name: 'process.memory.usage',
    unit: 'By',
    description: 'Physical memory that the process uses.',
  },
  processCpu: {
    name: 'process.cpu.time',
    unit: 's',
    description: 'CPU time that the process has used, by mode.',
  },
  eventLoopDelay: {
    name: 'nodejs.eventloop.delay.p99',
    unit: 's',
    description:
      'Delay of the event loop that 99 % of turns stayed below since the metrics were last collected.',
  },
} as const satisfies Record<string, MetricDescription>;

/** Histogram boundaries in seconds, 5 ms to 30 min: one scale for chains of fast links and of slow ones. */
export const DURATION_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800,
];

/** Attribute keys of {@link MONITOR_METRIC}. */
export const MONITOR_ATTR = {
  /** The place of a ledger: a directory or a url. */
  ledger: 'vcon.ledger.name',
  finding: 'vcon.monitor.finding',
} as const;

/** The metrics of `vcon-otel audit monitor`, which is a process of its own. */
export const MONITOR_METRIC = {
  records: {
    name: 'vcon.monitor.records',
    unit: '{record}',
    description: 'Records that the checkpoint of a watched ledger covers.',
  },
  findings: {
    name: 'vcon.monitor.findings',
    unit: '{finding}',
    description: '1 while a watched ledger is found to be so, 0 otherwise.',
  },
  checkpointAge: {
    name: 'vcon.monitor.checkpoint_age',
    unit: 's',
    description: 'Seconds since a watched ledger was seen to grow.',
  },
  quorumAge: {
    name: 'vcon.monitor.quorum_age',
    unit: 's',
    description: 'Seconds since a quorum of witnesses has cosigned a watched ledger.',
  },
  verifiedAge: {
    name: 'vcon.monitor.verified_age',
    unit: 's',
    description: 'Seconds since a watched ledger was found to be well; since the start if it never was.',
  },
} as const;
