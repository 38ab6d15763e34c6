import type { ConserverTracer, Options } from '../model/tracer.ts';
import type { DeliveryPolicy } from './delivery-policy.ts';

/** A tracer that answers each call in time, whatever becomes of the code behind it: its calls need no deadlines. */
export interface TimedTracer extends ConserverTracer {
  readonly keepsTime: true;
}

/** A tracer that is ready to be called. */
export interface BoundTracer {
  readonly name: string;
  readonly tracer: ConserverTracer | TimedTracer;
  /** Its options, defaults merged in; frozen. */
  readonly options: Options;
  /** Whether it is called at chain completion. */
  readonly completion: boolean;
  /** `dlq_vcon_on_error`: the chain runner waits for this tracer, and its failure fails the chain. */
  readonly failClosed: boolean;
  /** Whether it looks up documents in the vCon store. */
  readonly readsVcons: boolean;
  readonly delivery: DeliveryPolicy;
}
