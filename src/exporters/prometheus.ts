import { z } from 'zod';
import { closed, listening, openDoors } from '../incoming/listening.ts';
import { keepsNothing } from '../model/erasure.ts';
import { defineBuiltInExporter } from './built-in-exporter.ts';

/** Lets Prometheus scrape the metrics. */
export default defineBuiltInExporter({
  options: closed(z.strictObject(listening(9464))),
  remarks: openDoors,
  erasure: keepsNothing,
  async create(options) {
    const { startPrometheus } = await import('./prometheus/start-prometheus.ts');
    const { reader, url, close } = await startPrometheus(options);
    return { metrics: reader, scrapeUrl: url, close };
  },
  async probe(options, { timeout }) {
    const { probeAddress } = await import('../admin/probe.ts');
    return [await probeAddress(options, '/metrics', 'text/plain; version=0.0.4', timeout)];
  },
  describe: (_options, { scrapeUrl }) => [`Prometheus on ${scrapeUrl}`],
});
