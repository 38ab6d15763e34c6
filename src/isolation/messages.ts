import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../model/error.ts';
import type { Options } from '../model/tracer.ts';
import type { InstrumentMade, Measured, Observed } from './measurements.ts';

//  What the main thread and the thread of a tracer say to each other. Nothing of what a tracer throws crosses but its type.

export type { Observed };

/** How a call was answered: well, by `run` with `false`, or by throwing. */
export type CallAnswer = 'answered' | 'refused' | 'failed';

/** What a thread is started with. */
export interface ThreadData {
  /** The tracer's name in the configuration. */
  readonly name: string;
  /** The tracer's module. */
  readonly file: string;
  /** As they are written in the configuration. */
  readonly options: Options;
  /** Milliseconds that a call may take. */
  readonly timeout: number;
  /** Of a `SharedState`. */
  readonly shared: SharedArrayBuffer;
}

/** What it finds when it begins: also a port of its own, which the tracer does not know of. */
export interface ThreadStart extends ThreadData {
  readonly port: MessagePort;
}

/** What the main thread has to know of a tracer that it never loads. */
export interface Description {
  readonly has: Readonly<Record<'trace' | 'traceBatch' | 'run', boolean>>;
  readonly completion: boolean;
  readonly audit: boolean;
  readonly readsVcons: boolean;
  readonly remarks: readonly string[];
  /** What it makes on the disk, as `files` of its definition says. */
  readonly files: readonly string[];
}

/** Why a call failed: its `error.type`, and what a `DeliveryError` says. */
export interface Failed {
  readonly type: string;
  readonly permanent: boolean;
  /** Seconds; 0 if nothing was said. */
  readonly retryAfter: number;
}

/** What the main thread asks of a tracer. */
export type Asked = 'forceFlush' | 'shutdown' | { readonly observe: number };

/** What a tracer asks of its vCon store. */
export interface Looked {
  readonly uuid: string;
  /** The event that it is asked for. */
  readonly eventId: string | undefined;
  /** A document to be written; undefined: one is to be read. */
  readonly text: string | undefined;
}

/** An error of ours, whose message is written for a person, or the type of somebody else's. */
export interface Told {
  readonly type: string;
  readonly ours?: { readonly code: ErrorCode; readonly message: string; readonly path: string | undefined };
}

export type ToThread =
  /** See call-batch.ts. */
  | { readonly is: 'calls'; readonly batch: string }
  | { readonly is: 'ask'; readonly id: number; readonly what: Asked }
  | {
      readonly is: 'looked_up';
      readonly id: number;
      readonly text?: string | undefined;
      readonly error?: Told;
    };

export type FromThread =
  | { readonly is: 'ready'; readonly description: Description }
  /** It cannot be made. */
  | { readonly is: 'unmade'; readonly error: Told }
  | {
      readonly is: 'answers';
      readonly answered: readonly number[];
      readonly refused: readonly number[];
      readonly failed: readonly (readonly [call: number, Failed])[];
      /** What a `traceBatch` says of each of its events; null: it was answered. */
      readonly apart: readonly (readonly [call: number, events: readonly (Failed | null)[]])[];
    }
  | { readonly is: 'done'; readonly id: number; readonly observed?: Observed; readonly error?: Told }
  | { readonly is: 'look_up'; readonly id: number; readonly what: Looked }
  /** A promise that was rejected and that nobody waits for. */
  | { readonly is: 'stray'; readonly type: string }
  /** What the tracer says over OpenTelemetry's diagnostics. */
  | {
      readonly is: 'said';
      readonly level: 'error' | 'warn' | 'info' | 'debug';
      readonly words: readonly string[];
    }
  | { readonly is: 'instrument'; readonly made: InstrumentMade }
  | { readonly is: 'measured'; readonly measured: readonly Measured[] };
