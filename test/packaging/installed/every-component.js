import { startTracing, traceChain } from 'vcon-otel';

// One run of one link, heard by every component among the examples, each loaded as a configuration loads it.
const [service, folder, vconUuid] = process.argv.slice(2);
const tracing = await startTracing({
  log_level: 'warn',
  tracers: {
    async: { module: './async-tracer.ts', options: { url: `${service}/async`, token: 'a token' } },
    batch: { module: './batch-tracer.ts', options: { file: `${folder}/batch` } },
    caching: { module: './caching-tracer.ts', options: { directory_url: `${service}/teams` } },
    counting: { module: './counting-tracer.ts', options: { title: 'seen' } },
    custom: { module: './custom-tracer.ts' },
    fail_safe: {
      module: './fail-safe-tracer.ts',
      options: { file: `${folder}/fail-safe`, fallback: `${folder}/fallback` },
    },
    retention: { module: './retention-tracer.ts', options: { directory: `${folder}/retention` } },
    run: { module: './run-tracer.ts', options: { api_url: `${service}/run` } },
    structured: { module: './structured-tracer.ts', options: { file: `${folder}/structured` } },
  },
  exporters: { csv: { module: './custom-exporter.ts', options: { path: `${folder}/spans` } } },
  vcon_store: { module: './custom-vcon-store.ts', options: { url: `${service}/vcons`, token: 'a token' } },
});
await traceChain({ name: 'main', links: ['tag'] }, vconUuid, (run) => run.link('tag', (uuid) => uuid));
await tracing.shutdown();
