import { z } from 'zod';
import type { OnFull } from './event-log.ts';

/** The option that says what to do without room. */
export const onFull = z.enum(['block', 'drop']) satisfies z.ZodType<OnFull>;

/** What that means, for whoever starts the service. */
export function whenFull(choice: OnFull): string {
  return `when full, ${choice === 'block' ? 'feeders wait' : 'the slowest tracer loses its oldest'}`;
}
