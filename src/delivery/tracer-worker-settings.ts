import type { Attributes } from '@opentelemetry/api';
import type { Consumer, ConsumerCounts } from '../journal/consumer.ts';
import type { Clock } from '../model/clock.ts';
import type { ChainEvent } from '../model/event.ts';
import type { CircuitState } from './circuit-breaker.ts';
import type { Attempt } from './event-attempts.ts';
import type { InHand } from './in-hand.ts';
import type { RunQueue } from './run-queue.ts';
import type { Completed } from './tracer-calls.ts';
import type { TracerStats } from './tracer-stats.ts';

/** What a worker is made with. */
export interface TracerWorkerSettings {
  readonly clock: Clock;
  /** Whether the tracer is to hear this chain. */
  hears(chain: string): boolean;
  /** Events that were accepted and that the journal does not have yet. */
  underway(): number;
  /** Called after each attempt. */
  attempted(attempt: Attempt): void;
  /** Called instead where an event was heard at the first attempt, and at once. */
  heard(event: ChainEvent): void;
  /** Called instead where the tracer is not to hear its chain. */
  unheard(event: ChainEvent): void;
  /** Called after each call that succeeded. */
  readonly completed?: Completed | undefined;
  /** Gets the seconds that the tracer took. */
  took(seconds: number, tracer: Attributes): void;
  /** Called when there is something to {@link TracerWorker.pump} again. */
  again(): void;
  /** Called when the circuit opens, is tried, and closes. */
  turned(state: CircuitState): void;
}

/** What a worker leaves to the next one of its tracer. */
export interface Remains {
  readonly stats: TracerStats;
  readonly consumer: Consumer | undefined;
  readonly counts: ConsumerCounts;
  /** What was read and is not settled. */
  readonly queues: readonly RunQueue[];
  readonly inHand: InHand;
}
