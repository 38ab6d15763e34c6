import type { z } from 'zod';
import type { Component, ProbeSettings } from '../model/component.ts';
import type { VconOtelError } from '../model/error.ts';
import type { FactSink } from '../model/fact-sink.ts';
import type { Fault } from '../model/fault.ts';
import type { ReceiverCounts } from './counts.ts';

/** What a receiver may use of the rest of a configuration. */
export interface ReceiverSurroundings {
  /** The Redis that the vCon store uses, if it uses one. */
  readonly redisUrl: string | undefined;
}

/** What code hands to a receiver (options are what the user wrote). */
export interface ReceiverHost extends ReceiverSurroundings {
  /** Where facts go. */
  readonly sink: FactSink;
  /** What arrives is counted here. */
  readonly counts: ReceiverCounts;
  /** Which journal keeps what is heard, see `Journal`. */
  readonly journal: string;
  /** Milliseconds that closing may take. */
  readonly closeTimeout: number;
}

/** A receiver that is running. */
export interface Receiver {
  /** Where it takes what it is sent, if it listens. */
  readonly url?: string;
  /** How it stands with the stream that it reads, if it reads one. */
  readonly stats?: StreamStats;
  /** What somebody should look at, in sentences. */
  troubles?(): readonly string[];
  /** Takes over the `live` of its options, checked. */
  renew?(options: object): void;
  /** Takes nothing more in, and finishes what is under way as long as `closeTimeout` allows. Safe twice. */
  close(): Promise<void>;
}

/** How far a stream has been read, for metrics and readiness. */
export interface StreamStats {
  readonly connected: boolean;
  /** Entries that have yet to be read; NaN while nobody can tell. A few seconds old, like `pending`. */
  readonly lag: number;
  /** Entries that a consumer of the group has received and not acknowledged. */
  readonly pending: number;
  /** How often entries were trimmed before the group read them. The counts have their number, as `lost`. */
  readonly gaps: number;
  /** Entries that should be set aside but cannot be at the moment. */
  readonly waiting: number;
  /** Why nothing can be read at the moment. */
  readonly failure: VconOtelError | undefined;
  /** The other adapter that reads the stream, which keeps this one from it. */
  readonly holder: StreamHolder | undefined;
}

/** An adapter that reads a stream. */
export interface StreamHolder {
  readonly host: string;
  readonly pid: number;
  /** When its process began, in ISO 8601. */
  readonly since: string;
}

/** A receiver as a component: its options are a section of the configuration under its own name. */
export interface ReceiverDefinition<Schema extends z.ZodObject = z.ZodObject>
  extends Component<
    Schema,
    ReceiverHost,
    Receiver | Promise<Receiver>,
    ProbeSettings & ReceiverSurroundings
  > {
  readonly options: Schema;
  /** Whether it takes spans, which come in any order. */
  readonly hearsSpans?: boolean;
  /** Names of options that can change while it runs, see `Receiver.renew`. */
  readonly live?: readonly string[];
  /** What is wrong with its options in the light of the rest; paths are the names of options. */
  check?(options: z.output<Schema>, surroundings: ReceiverSurroundings): readonly Fault[];
  /** What to say of it once it runs: a line each, no secrets. */
  describe(options: z.output<Schema>, receiver: Receiver): readonly string[];
}

/** Types the definition of a receiver. Receivers come with the package: the facts they end in are no public interface yet. */
export function defineReceiver<Schema extends z.ZodObject>(
  definition: ReceiverDefinition<Schema>,
): ReceiverDefinition<Schema> {
  return definition;
}
