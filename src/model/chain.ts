import type { Options } from './tracer.ts';
import type { VconStore } from './vcon.ts';

/** What a link or storage function gets besides the uuid. */
export interface Step {
  readonly name: string;
  readonly options: Options;
  readonly vcons: VconStore;
  /** Aborted when the step's time is up. */
  readonly signal: AbortSignal;
}

/**
 * What a link returns: with a uuid the chain goes on (a different uuid replaces the vCon from here on), anything falsy
 * halts the chain. Every other value is an error.
 */
export type LinkResult = string | false | null | undefined;

/** A link: a step that transforms. */
export interface Link {
  readonly name: string;
  readonly options?: Options;
  run(vconUuid: string, step: Step): LinkResult | Promise<LinkResult>;
}

/** A storage: a place that keeps. */
export interface Storage {
  readonly name: string;
  readonly options?: Options;
  /** `peer.service` of its spans; the storage's name where absent. */
  readonly peerService?: string;
  /** `db.system.name` of its spans (OpenTelemetry semantic conventions), e.g. `sqlite`. */
  readonly dbSystemName?: string;
  save(vconUuid: string, step: Step): void | Promise<void>;
}

/** A chain as in the conserver's configuration, with its modules as functions. */
export interface Chain {
  readonly name: string;
  readonly links: readonly Link[];
  readonly storages?: readonly Storage[];
  readonly egressLists?: readonly string[];
}
