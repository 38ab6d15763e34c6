import type { Options } from '../model/tracer.ts';

/** One fact about a tracer, for a test runner: `test(name, run)`. */
export interface TracerCheck {
  readonly name: string;
  /** @throws AssertionError where the fact does not hold */
  readonly run: () => Promise<void>;
}

/** What a tracer is given for one check. */
export interface Trial {
  /** As they would stand in a configuration. Of secrets in them nothing may be logged or thrown. */
  readonly options?: Options;
  /** Called when the check is over, well or not. */
  close?(): unknown;
}

/** What is known about a tracer, and so can be checked. */
export interface TracerTestSettings<Prepared extends Trial = Trial> {
  /** Called for each check: options for a tracer of its own, and whatever `heard` and `outage` need. Default: no options. */
  prepare?(): Prepared | Promise<Prepared>;
  /** The event ids that arrived where the tracer writes to, oldest first. Called when all calls were answered. */
  heard?(trial: Prepared): readonly string[] | Promise<readonly string[]>;
  /** True: an event that is delivered twice is in `heard` once. Else it may be there twice. */
  readonly once?: boolean;
  /** Makes what the tracer writes to fail, and work again. */
  readonly outage?: { begin(trial: Prepared): unknown; end(trial: Prepared): unknown };
  /** Milliseconds that what a check waits for may take. Default 10,000. */
  readonly timeout?: number;
  /** What the random chains are made of: the same seed makes the same chains. Default 1. */
  readonly seed?: number;
}
