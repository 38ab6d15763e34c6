import { withDeadline } from '../model/deadline.ts';
import type { FactSink } from '../model/fact-sink.ts';

/** How many milliseconds the disk may take; after that, the sender is told to come back rather than left waiting. */
const KEPT_IN = 10_000;

/** Whether everything accepted survives a crash. */
export async function isKept(sink: FactSink): Promise<boolean> {
  try {
    await withDeadline(sink.durable(), KEPT_IN, 'keeping what was received');
    return true;
  } catch {
    return false;
  }
}
