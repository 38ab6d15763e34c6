import type { LoadedConfig } from '../../config/load-config.ts';
import { keptSpans } from '../../exporters/span-log/kept-spans.ts';
import { openJournalAdmin } from '../../journal/open-admin.ts';
import { VconOtelError } from '../../model/error.ts';
import { type Finding, warning } from '../../model/finding.ts';
import { placeOfExporter, placesOf } from '../../service/places.ts';
import type { Probe } from './probe.ts';

/**
 * Whether somebody has a place in the journal, or spans beside it, whom the configuration does not name any more.
 * @param file the configuration, for advice
 */
export function strayPlaces(loaded: LoadedConfig, file: string): Probe[] {
  return [{ about: 'journal', look: () => strays(loaded, file) }];
}

async function strays(loaded: LoadedConfig, file: string): Promise<Finding[]> {
  const journal = await openJournalAdmin(loaded.config.journal);
  if (!journal) return [];
  try {
    const tracers = await journal.tracers();
    const spans = (await keptSpans(journal.beside)).map(({ exporter }) => placeOfExporter(exporter));
    const used = placesOf(loaded);
    return [...new Set([...tracers, ...spans])]
      .filter((name) => !used.has(name))
      .sort()
      .map((name) =>
        warning(
          `${name} has a place there, and is not configured`,
          `vcon-otel queue forget ${name} --config ${file} says what waits there, and removes it with --yes`,
        ),
      );
  } catch (error) {
    // The journal's own probe says so.
    if (error instanceof VconOtelError) return [];
    throw error;
  } finally {
    await journal.close();
  }
}
