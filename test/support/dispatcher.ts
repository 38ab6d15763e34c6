import type { BoundTracer } from '../../src/delivery/bound-tracer.ts';
import { createTracers, isSpanProcessor, type LoadedTracer } from '../../src/delivery/create-tracer.ts';
import { Dispatcher, type DispatcherSettings } from '../../src/delivery/dispatcher.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { systemClock } from '../../src/model/clock.ts';
import { ThrottledLog } from '../../src/model/throttled-log.ts';
import { emptyVconStore } from '../../src/model/vcon.ts';

/** What hands events to tracers, each of which hears every chain unless something else is said. */
export function dispatcherTo(
  tracers: readonly LoadedTracer[],
  journal: Journal,
  { hears = () => true }: Partial<Pick<DispatcherSettings, 'hears'>> = {},
): Dispatcher {
  const made = createTracers(tracers, { vcons: emptyVconStore });
  return new Dispatcher(
    made.filter((tracer): tracer is BoundTracer => !isSpanProcessor(tracer)),
    {
      journal,
      log: new ThrottledLog('test'),
      clock: systemClock,
      hears,
      completed: undefined,
      took: () => {},
      repeated: () => {},
      trouble: () => {},
    },
  );
}
