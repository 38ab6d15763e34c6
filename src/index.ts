export { z } from 'zod';
export { alwaysRecord } from './bridge/always-record.ts';
export type { ConfigError, ConfigInput } from './config/load-config.ts';
export type { CircuitState } from './delivery/circuit-breaker.ts';
export type { CircuitBreakerSettings, DeliverySettings, RetrySettings } from './delivery/delivery-policy.ts';
export type { TracerStats } from './delivery/tracer-stats.ts';
export { type RunChainResult, type RunChainSettings, runChain } from './instrumentation/run-chain.ts';
export {
  type ChainRun,
  type StorageResult,
  type TracedChain,
  type TracedStorage,
  traceChain,
} from './instrumentation/trace-chain.ts';
export type { JournalTrouble, OnFull } from './journal/event-log.ts';
export type { Journal } from './journal/journal.ts';
export { type MemoryJournalSettings, memoryJournal } from './journal/memory.ts';
export { type SqliteJournalSettings, sqliteJournal } from './journal/sqlite.ts';
export type { IssueKind } from './model/bridge-issues.ts';
export type { Chain, Link, LinkResult, Step, Storage } from './model/chain.ts';
export type { Component, ProbeSettings } from './model/component.ts';
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
export {
  defineExporter,
  type Exporter,
  type ExporterDefinition,
  type ExporterHost,
} from './model/exporter.ts';
export type { Fault } from './model/fault.ts';
export type { Finding } from './model/finding.ts';
export { ATTR, CONSERVER_ATTR, METRIC, SCOPE_NAME } from './model/semconv.ts';
export {
  type ConserverModule,
  type ConserverTracer,
  defineTracer,
  type EventContext,
  type Options,
  type TracerDefinition,
  type TracerModule,
  type TracerSettings,
} from './model/tracer.ts';
export {
  parseVcon,
  type QueuedContext,
  type QueuedVcon,
  Vcon,
  type VconLookup,
  type VconQueue,
  type VconStore,
} from './model/vcon.ts';
export { defineVconStore, type VconStoreDefinition, type VconStoreHost } from './model/vcon-store.ts';
export { SpanMetricsProcessor, type SpanMetricsSettings } from './service/span-metrics-processor.ts';
export { startTracing } from './service/start-tracing.ts';
export { type BridgeStats, TracerSpanProcessor, type TracerState } from './service/tracer-span-processor.ts';
export type {
  BridgedChain,
  TracerEntry,
  TracerSpanProcessorSettings,
} from './service/tracer-span-processor-settings.ts';
export type { ServiceSettings, Tracing, TracingStats } from './service/tracing.ts';
