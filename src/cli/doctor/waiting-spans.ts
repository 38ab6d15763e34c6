import { formatPath, type LoadedConfig } from '../../config/load-config.ts';
import { keptSpans } from '../../exporters/span-log/kept-spans.ts';
import { openJournalAdmin } from '../../journal/open-admin.ts';
import { VconOtelError } from '../../model/error.ts';
import { type Finding, ok, warning } from '../../model/finding.ts';
import { exportersOf } from '../../service/components.ts';
import { formatDuration } from '../timeline/index.ts';
import type { Probe } from './probe.ts';

/** Seconds from which on they have waited for long; as in the alert VconSpansFallingBehind. */
const LONG = 600;

/** How many spans wait on the disk for each exporter, and for how long. */
export function waitingSpans(loaded: LoadedConfig): Probe[] {
  return exportersOf(loaded).map(({ name }) => ({
    about: formatPath(['exporters', name]),
    look: () => waiting(loaded, name),
  }));
}

async function waiting({ config }: LoadedConfig, name: string): Promise<Finding[]> {
  const journal = await openJournalAdmin(config.journal);
  if (!journal) return [];
  try {
    const kept = (await keptSpans(journal.beside)).find(({ exporter }) => exporter === name);
    if (kept?.oldest === undefined) return [];
    const seconds = Math.max(0, Date.now() - kept.oldest) / 1e3;
    const spans = `${kept.spans.toLocaleString('en')} ${kept.spans === 1 ? 'span waits' : 'spans wait'}`;
    const said = `${spans} on the disk for it, the oldest for ${formatDuration(seconds)}`;
    return [
      seconds > LONG
        ? warning(said, 'they are sent by themselves once a service runs and it takes them')
        : ok(said),
    ];
  } catch (error) {
    // The journal's own probe says so.
    if (error instanceof VconOtelError) return [];
    throw error;
  } finally {
    await journal.close();
  }
}
