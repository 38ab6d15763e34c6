import { memoryJournal } from '../../../src/journal/memory.ts';
import type { JournalDriver } from './driver.ts';

export function memoryDriver(): JournalDriver {
  return { open: async () => memoryJournal(), remove: () => {} };
}
