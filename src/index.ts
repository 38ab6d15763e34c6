export type { CircuitState } from './bridge/circuit-breaker.ts';
export type { TracerEntry } from './bridge/create-tracer.ts';
export type { CircuitBreakerSettings, DeliverySettings, RetrySettings } from './bridge/delivery-policy.ts';
export type { IssueKind } from './bridge/issues.ts';
export type { BridgedChain, TracerSpanProcessorSettings } from './bridge/settings.ts';
export { type BridgeStats, TracerSpanProcessor, type TracerState } from './bridge/tracer-span-processor.ts';
export type { TracerStats } from './bridge/tracer-worker.ts';
export type { ConfigError, ConfigInput, Fault } from './config.ts';
export { SpanMetricsProcessor, type SpanMetricsSettings } from './exporters/span-metrics.ts';
export { type RunChainResult, type RunChainSettings, runChain } from './instrumentation/run-chain.ts';
export {
  type ChainRun,
  type StorageResult,
  type TracedChain,
  type TracedStorage,
  traceChain,
} from './instrumentation/trace-chain.ts';
export type {
  ConsumerSettings,
  Delivery,
  DeliveryOutcome,
  Journal,
  JournalConsumer,
  JournalListener,
  JournalTrouble,
  OnFull,
} from './journal/journal.ts';
export { type MemoryJournalSettings, memoryJournal } from './journal/memory.ts';
export { type SqliteJournalSettings, sqliteJournal } from './journal/sqlite.ts';
export type { Chain, Link, LinkResult, Step, Storage } from './model/chain.ts';
export { DeliveryError, type DeliveryErrorDetails } from './model/delivery-error.ts';
export { type ErrorCode, VconOtelError } from './model/error.ts';
export type {
  ChainEvent,
  ChainOutcome,
  EventName,
  LinkOutcome,
  Phase,
  Stage,
  StorageOutcome,
} from './model/event.ts';
export type { Finding } from './model/finding.ts';
export { ATTR, CONSERVER_ATTR, METRIC, SCOPE_NAME } from './model/semconv.ts';
export {
  type ConserverModule,
  type ConserverTracer,
  defineTracer,
  type EventContext,
  type Options,
  type ProbeSettings,
  type TracerDefinition,
  type TracerModule,
  type TracerSettings,
} from './model/tracer.ts';
export {
  parseVcon,
  type QueuedContext,
  type QueuedVcon,
  Vcon,
  type VconQueue,
  type VconStore,
} from './model/vcon.ts';
export type { ServiceSettings, Tracing, TracingStats } from './service.ts';
export { startTracing } from './start-tracing.ts';
