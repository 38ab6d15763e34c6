import { ROOT_CONTEXT } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { chainEvent } from '../model/chain-event.ts';
import type { Run, RunObserver } from '../model/run.ts';
import { runSpan, unchangeable } from './run-span.ts';

/** Shows a span processor the spans of runs that were heard from outside: all of a run, when it is over. */
export class RunSpans implements RunObserver {
  readonly #processor: Pick<SpanProcessor, 'onStart' | 'onEnd'>;

  constructor(processor: Pick<SpanProcessor, 'onStart' | 'onEnd'>) {
    this.#processor = processor;
  }

  began(): void {}

  stepEnded(): void {}

  ended(run: Run): void {
    const { inVconUuid, outVconUuid } = run;
    if (inVconUuid === undefined || outVconUuid === undefined) return;
    const known = { ...run, inVconUuid, outVconUuid };
    const chain = unchangeable(runSpan(chainEvent(known), NO_RESOURCE, run.queuedBy));
    this.#processor.onStart(chain, ROOT_CONTEXT);
    for (const step of run.steps) {
      const uuids = {
        inVconUuid: step.inVconUuid ?? inVconUuid,
        outVconUuid: step.outVconUuid ?? inVconUuid,
      };
      if (step.end === undefined) continue;
      const span = unchangeable(runSpan(chainEvent(known, { ...step, ...uuids }), NO_RESOURCE));
      this.#processor.onStart(span, ROOT_CONTEXT);
      this.#processor.onEnd(span);
    }
    this.#processor.onEnd(chain);
  }

  abandoned(): void {}
}

/** It is another process that they are of. */
const NO_RESOURCE = emptyResource();
