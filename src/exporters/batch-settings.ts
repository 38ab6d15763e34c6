import { getHeapStatistics } from 'node:v8';
import type { MeterProvider } from '@opentelemetry/api';

/** How spans are batched. The first four are OpenTelemetry's `OTEL_BSP_*`; all are positive integers. */
export interface BatchSettings {
  /**
   * How many spans may wait or be under way in memory. Any more are dropped and counted, unless they are kept on the disk.
   * 262,144 by default (16,384 of those that are on the disk), or as many as fit into a fifth of Node's heap: a span takes
   * about 1 kB.
   */
  readonly maxQueueSize?: number;
  /** Spans in one export; 2,048 by default. */
  readonly maxExportBatchSize?: number;
  /** Milliseconds until a batch that is not full is sent; 5,000 by default. */
  readonly scheduledDelayMillis?: number;
  /** Milliseconds after which an attempt counts as failed; 30,000 by default. */
  readonly exportTimeoutMillis?: number;
  /** After a temporary failure, a random part of these milliseconds passes; doubles while attempts fail; 1,000 by default. */
  readonly retryMillis?: number;
  /** The limit, in milliseconds, to which that grows; 10,000 by default. */
  readonly maxRetryMillis?: number;
  /** Milliseconds for a last attempt at `shutdown`, before pending spans count as dropped; 10,000 by default. */
  readonly shutdownMillis?: number;
  /** The meter provider that counts losses; by default the global one, looked up at the first count. */
  readonly meterProvider?: MeterProvider;
}

/** The outcomes of the sampled spans so far. Their sum is the number of sampled spans that ended. */
export interface SpanCounts {
  readonly exported: number;
  /** Handed to the exporter, which reported a permanent error, or any error at shutdown. */
  readonly failed: number;
  /** The queue was full, or time ran out at shutdown. */
  readonly dropped: number;
  /** Under way, or kept until they can be sent. */
  readonly pending: number;
}

/** A minute without a Collector, and as much again, at 2,200 spans a second: 1,000,000 vCons an hour of eight spans. */
const MAX_QUEUE_SIZE = 262_144;
/** Bytes on the heap for a span as the recorder makes it (measured). */
const SPAN_BYTES = 1_000;

/** Spans of a log that are in memory. */
const READ_AHEAD = 16_384;

/**
 * How many spans may be in memory, where nobody has said so: waiting telemetry must not kill a small process.
 * @param isKept whether they are on the disk, too
 */
export function queueThatFits(isKept: boolean): number {
  const fitting = Math.floor(getHeapStatistics().heap_size_limit / 5 / SPAN_BYTES);
  return Math.min(isKept ? READ_AHEAD : MAX_QUEUE_SIZE, fitting);
}
