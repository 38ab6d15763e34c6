import { z } from 'zod';
import { ok } from '../../model/finding.ts';
import { defineJournal } from '../journal-definition.ts';
import { onFull, whenFull } from '../on-full.ts';
import { fittingCapacity } from './capacity.ts';

/** Events are kept in the memory of this process. */
export default defineJournal({
  options: z.strictObject({
    capacity: z.int().positive().default(100_000),
    on_full: onFull.default('drop'),
  }),
  async create({ capacity, on_full }) {
    const { memoryJournal } = await import('../memory.ts');
    return memoryJournal({ capacity, onFull: on_full });
  },
  probe: async () => [ok('is kept in memory: what tracers have yet to hear ends with the process')],
  describe: ({ capacity, on_full }) => [
    `in memory, ${fittingCapacity(capacity).toLocaleString('en')} events for each tracer; ${whenFull(on_full)}`,
  ],
});
