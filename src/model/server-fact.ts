import type { SpanContext } from '@opentelemetry/api';
import type { Sent } from './sent.ts';

/**
 * One thing that a module inside a Python conserver heard at the moment it happened (docs/facts.md, record v2). A process
 * numbers its facts without a gap; between two processes there is no order.
 */
export type ServerFact = FactOrigin & ServerEvent;

/** A fact of one kind. */
export type ServerFactOf<Kind extends ServerEvent['kind']> = FactOrigin &
  Extract<ServerEvent, { kind: Kind }>;

/** A process of the server: a new one every time, although hosts and process ids come again. */
export interface ServerProcess {
  readonly host: string;
  readonly pid: number;
  /** When it attached, nanoseconds since the Unix epoch. */
  readonly boot: string;
}

/** Where and when a fact was heard. */
export interface FactOrigin extends ServerProcess, Sent {
  /** Grows by one with every fact of a process; 1 is its first. */
  readonly seq: number;
  /** Nanoseconds since the Unix epoch. */
  readonly time: bigint;
  /** What the sender gave as its time, where that, or another of its times, cannot be and is when it came. */
  readonly claimed?: bigint;
  /** Tells threads apart that live at the same time. */
  readonly thread: string;
  /** The run that it is of, numbered in its process, as far as the module knows. */
  readonly run: number | undefined;
}

/** What was heard. An `error` is a class name, never a message. */
export type ServerEvent =
  | {
      /** The module was loaded, before the process took its first vCon. */
      readonly kind: 'attach';
      /** The name that the process shares with the one it takes the place of, e.g. `Worker-1`. */
      readonly process: string;
      /** Whether spans are heard, and whether what no official hook tells (`returned`, storages, egress) is. */
      readonly spans: boolean;
      /** Whether anybody exports those spans. */
      readonly exportsSpans: boolean;
      readonly extras: boolean;
      /** Whether the server has the hooks that tell of runs, and of `after_link`: older ones have not. */
      readonly hasRuns: boolean;
      readonly afterLink: boolean;
    }
  /** Something is open, and the process lives. `runs` are the numbers of its open runs. */
  | { readonly kind: 'alive'; readonly runs: readonly number[] }
  /** The process ends in order: nothing more comes. */
  | { readonly kind: 'detach' }
  | {
      /** So many facts of this thread are lost here. */
      readonly kind: 'gap';
    }
  | {
      readonly kind: 'run_start';
      readonly vconUuid: string | undefined;
      readonly chain: string;
      readonly links: readonly string[];
      readonly storages: readonly string[];
      readonly egressLists: readonly string[];
      /** The chain that queued the vCon. */
      readonly queuedBy: SpanContext | undefined;
      /** False: the vCon was skipped, or the operator's own hook failed. */
      readonly proceed: boolean;
      readonly error: string | undefined;
    }
  | ({ readonly kind: 'span_start' } & ServerSpan)
  | ({
      readonly kind: 'span_end';
      readonly end: bigint;
      readonly status: 'unset' | 'ok' | 'error';
      readonly error: string | undefined;
    } & ServerSpan)
  | {
      /** A link is over and tracers have not been called yet; a second one for the same link: a tracer has failed it. */
      readonly kind: 'after_link';
      readonly link: string;
      /** Its place in the chain, where that is known. */
      readonly index: number | undefined;
      readonly error: string | undefined;
      /** What the link returned, where that is heard: a uuid, or false for a halt. */
      readonly returned: string | false | undefined;
    }
  | {
      /** The call of a tracer's `run`. */
      readonly kind: 'tracer';
      /** The name of the tracer there. */
      readonly tracer: string;
      /** uuid before the link and after it. */
      readonly before: string | undefined;
      readonly after: string | undefined;
      readonly links: readonly string[];
      /** -1 before the first link. */
      readonly index: number;
      /** The chain, and the span of the link, as far as the module knows them: a hint. */
      readonly chain: string | undefined;
      readonly linkSpan: Pick<ServerSpan, 'spanId' | 'traceId' | 'parentSpanId'> | undefined;
      readonly vconSha256: string | undefined;
    }
  | {
      readonly kind: 'run_end';
      readonly vconUuid: string | undefined;
      readonly error: string | undefined;
      /** The link in which the error came up, where that is known: nothing else tells of one that could not be imported. */
      readonly index: number | undefined;
      /** What ends the worker, past the server's own handling of errors: `SystemExit`. */
      readonly raised: string | undefined;
    }
  | { readonly kind: 'egress' }
  /** A link has halted its chain. */
  | { readonly kind: 'halt'; readonly link: string }
  /** Something of which nothing is concluded. */
  | { readonly kind: 'other' }
  | { readonly kind: 'storage_start'; readonly storage: string; readonly vconUuid: string | undefined }
  | {
      readonly kind: 'storage_end';
      readonly storage: string;
      readonly vconUuid: string | undefined;
      readonly error: string | undefined;
    };

/** A span of the server's, as it began. */
export interface ServerSpan {
  readonly stage: 'chain' | 'link' | 'storage';
  /** Of the chain, link or storage. */
  readonly name: string;
  readonly spanId: string;
  readonly traceId: string;
  readonly parentSpanId: string | undefined;
  readonly chain: string;
  readonly vconUuid: string | undefined;
  /** Of a link. */
  readonly index: number | undefined;
  /** Nanoseconds since the Unix epoch. */
  readonly start: bigint;
}
