/**
 * The names our metrics have in Prometheus behind a Collector, written by hand after OpenTelemetry's "Prometheus and
 * OpenMetrics Compatibility": dots become `_`, a unit is spelled out, an annotation such as `{run}` adds nothing, a
 * monotonic counter ends in `_total`.
 */
export const EXPECTED_NAMES: Readonly<Record<string, string>> = {
  'vcon.chain.duration': 'vcon_chain_duration_seconds',
  'vcon.chain.active': 'vcon_chain_active',
  'vcon.link.duration': 'vcon_link_duration_seconds',
  'vcon.storage.duration': 'vcon_storage_duration_seconds',
  'vcon.tracer.duration': 'vcon_tracer_duration_seconds',
  'vcon.tracer.deliveries': 'vcon_tracer_deliveries_total',
  'vcon.tracer.circuit_open': 'vcon_tracer_circuit_open',
  'vcon.journal.depth': 'vcon_journal_depth',
  'vcon.journal.oldest_age': 'vcon_journal_oldest_age_seconds',
  'vcon.journal.dead_letters': 'vcon_journal_dead_letters',
  'vcon.journal.full': 'vcon_journal_full',
  'vcon.journal.size': 'vcon_journal_size_bytes',
  'vcon.journal.max_size': 'vcon_journal_max_size_bytes',
  'vcon.ledger.records': 'vcon_ledger_records',
  'vcon.ledger.checkpoint_records': 'vcon_ledger_checkpoint_records',
  'vcon.ledger.fault': 'vcon_ledger_fault',
  'vcon.ledger.quorum_age': 'vcon_ledger_quorum_age_seconds',
  'vcon.ledger.checkpoint_age': 'vcon_ledger_checkpoint_age_seconds',
  'process.memory.usage': 'process_memory_usage_bytes',
  'process.cpu.time': 'process_cpu_time_seconds_total',
  'nodejs.eventloop.delay.p99': 'nodejs_eventloop_delay_p99_seconds',
  'vcon.store.reads': 'vcon_store_reads_total',
  'vcon.bridge.issues': 'vcon_bridge_issues_total',
  'vcon.receiver.spans': 'vcon_receiver_spans_total',
  'vcon.receiver.records': 'vcon_receiver_records_total',
  'vcon.receiver.runs': 'vcon_receiver_runs',
  'vcon.receiver.issues': 'vcon_receiver_issues_total',
  'vcon.receiver.stream_lag': 'vcon_receiver_stream_lag',
  'vcon.receiver.stream_failing': 'vcon_receiver_stream_failing',
  'vcon.exporter.spans': 'vcon_exporter_spans_total',
  'vcon.exporter.pending': 'vcon_exporter_pending',
  'vcon.exporter.oldest_age': 'vcon_exporter_oldest_age_seconds',
};
