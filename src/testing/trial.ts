import type { Options } from '../model/tracer.ts';

/** One fact about a tracer, for a test runner: `test(name, run)`. */
export interface TracerCheck {
  readonly name: string;
  /** @throws AssertionError if the fact does not hold */
  readonly run: () => Promise<void>;
}

/** What a tracer gets for one check. */
export interface Trial {
  /** As in a configuration. Nothing of the secrets in them may be logged or thrown. */
  readonly options?: Options;
  /** Called when the check is over, whether it passed or failed. */
  close?(): unknown;
}

/** What is known about a tracer, and so can be checked. */
export interface TracerTestSettings<Prepared extends Trial = Trial> {
  /** Called for each check: makes the options for its own tracer, and whatever `heard` and `outage` need. Default: no options. */
  prepare?(): Prepared | Promise<Prepared>;
  /** The event ids that arrived at the tracer's destination, oldest first. Called when all calls were answered. */
  heard?(trial: Prepared): readonly string[] | Promise<readonly string[]>;
  /** True: an event that is delivered twice is in `heard` once. Otherwise it may be there twice. */
  readonly once?: boolean;
  /** Makes the tracer's destination fail, and work again. */
  readonly outage?: { begin(trial: Prepared): unknown; end(trial: Prepared): unknown };
  /** How many milliseconds a check waits for anything. Default 10,000. */
  readonly timeout?: number;
  /** Seed of the random chains: the same seed makes the same chains. Default 1. */
  readonly seed?: number;
}
