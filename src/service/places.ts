import type { LoadedConfig } from '../config/load-config.ts';
import { exportersOf } from './components.ts';

/** How the places of exporters begin: their key in the configuration. */
const EXPORTERS = 'exporters.';

/**
 * The place of an exporter in a journal, where the runs that nobody recorded wait to be built for it, and beside the journal, where its
 * spans wait.
 */
export function placeOfExporter(exporter: string): string {
  return EXPORTERS + exporter;
}

/** The exporter that has a place; undefined where a tracer has it. */
export function exporterOfPlace(place: string): string | undefined {
  return place.startsWith(EXPORTERS) ? place.slice(EXPORTERS.length) : undefined;
}

/** Whose places in a journal are in use: those of the tracers, whether enabled or not, and of the exporters. */
export function placesOf(loaded: LoadedConfig): ReadonlySet<string> {
  const exporters = exportersOf(loaded).map(({ name }) => placeOfExporter(name));
  return new Set([...Object.keys(loaded.config.tracers), ...exporters]);
}
