import { METRIC, MONITOR_METRIC } from '../src/model/semconv.ts';

/**
 * Every metric that a dashboard, a rule, an alert or a page of ours may ask Prometheus for, without the `_bucket`,
 * `_sum` and `_count` of a histogram. A test holds that nothing else is asked for.
 */
export const METRIC_NAMES = {
  /** Ours, docs/metrics.md. */
  vcon: {
    histograms: [
      METRIC.chainDuration,
      METRIC.linkDuration,
      METRIC.storageDuration,
      METRIC.tracerDuration,
    ].map(({ name }) => `${inPrometheus(name)}_seconds`),
    counters: [
      METRIC.tracerDeliveries,
      METRIC.storeReads,
      METRIC.bridgeIssues,
      METRIC.receiverSpans,
      METRIC.receiverRecords,
      METRIC.receiverIssues,
      METRIC.exporterSpans,
    ]
      .map(({ name }) => `${inPrometheus(name)}_total`)
      .concat(`${inPrometheus(METRIC.processCpu.name)}_seconds_total`),
    gauges: [
      ...[
        METRIC.chainActive,
        METRIC.tracerCircuitOpen,
        METRIC.journalDepth,
        METRIC.journalDeadLetters,
        METRIC.journalFull,
        METRIC.receiverRuns,
        METRIC.receiverLag,
        METRIC.receiverFailing,
        METRIC.exporterPending,
        METRIC.ledgerRecords,
        METRIC.ledgerCheckpointRecords,
        METRIC.ledgerFault,
        METRIC.ledgerMirrorPending,
        MONITOR_METRIC.records,
        MONITOR_METRIC.findings,
      ].map(({ name }) => inPrometheus(name)),
      ...[
        METRIC.journalOldestAge,
        METRIC.ledgerQuorumAge,
        METRIC.ledgerMirrorLag,
        METRIC.ledgerCheckpointAge,
        MONITOR_METRIC.checkpointAge,
        MONITOR_METRIC.quorumAge,
        MONITOR_METRIC.verifiedAge,
        METRIC.exporterOldestAge,
        METRIC.eventLoopDelay,
      ].map(({ name }) => `${inPrometheus(name)}_seconds`),
      ...[METRIC.journalSize, METRIC.journalMaxSize, METRIC.processMemory].map(
        ({ name }) => `${inPrometheus(name)}_bytes`,
      ),
    ],
  },
  /**
   * The Python server's own (CONSERVER §5). It names no unit, so Prometheus adds none; its histograms have buckets made
   * for milliseconds (0, 5, 10, 25 … 10,000) whatever the unit of the value, so quantiles of seconds say nothing.
   */
  conserver: {
    histograms: [
      'conserver_main_loop_vcon_processing_time',
      'conserver_link_execution_time',
      'conserver_storage_duration_ms',
    ],
    counters: [
      'conserver_main_loop_count_vcons_received_total',
      'conserver_main_loop_count_vcons_processed_total',
      'conserver_link_count_total',
      'conserver_storage_count_total',
      'conserver_dlq_count_total',
    ],
    gauges: [
      'conserver_vcons_inflight',
      'conserver_ingress_list_length',
      'conserver_redis_memory_used_bytes',
    ],
  },
  /** Of the Collector, about itself. None of the counters is there before it has counted something. */
  collector: {
    histograms: [],
    counters: [
      'otelcol_receiver_accepted_spans_total',
      'otelcol_receiver_refused_spans_total',
      'otelcol_exporter_sent_spans_total',
      'otelcol_exporter_send_failed_spans_total',
      'otelcol_exporter_enqueue_failed_spans_total',
      'otelcol_exporter_send_failed_metric_points_total',
      'otelcol_exporter_enqueue_failed_metric_points_total',
    ],
    gauges: ['otelcol_exporter_queue_size', 'otelcol_exporter_queue_capacity'],
  },
  /** What the Collector makes of spans (connectors span_metrics and service_graph). */
  spans: {
    histograms: [
      'traces_span_metrics_duration_seconds',
      'traces_service_graph_request_server_seconds',
      'traces_service_graph_request_client_seconds',
    ],
    counters: [
      'traces_span_metrics_calls_total',
      'traces_service_graph_request_total',
      'traces_service_graph_request_failed_total',
    ],
    gauges: [],
  },
  /** Prometheus' own, of everything that it scrapes. */
  prometheus: { histograms: [], counters: [], gauges: ['up'] },
} as const;

function inPrometheus(name: string): string {
  return name.replaceAll('.', '_');
}
