import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

/**
 * Sends what two workers of the Python conserver would: the metrics of CONSERVER §5, over gRPC, and one of a link that has
 * `vcon.uuid` on it.
 */
export async function sendPythonMetrics(address: string): Promise<void> {
  await Promise.all(['host-a-pid-11', 'host-a-pid-12'].map((instance) => sendAsWorker(address, instance)));
}

/** What each worker counts, so that sums over both are known. */
export const EACH_WORKER = {
  received: 10,
  processed: 9,
  dlq: 1,
  queued: 7,
  documents: 3,
  tokens: 5,
} as const;

async function sendAsWorker(address: string, instance: string): Promise<void> {
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: `http://${address}` }),
    exportIntervalMillis: 3_600_000,
  });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({
      'service.name': 'python-conserver',
      'host.name': 'host-a',
      'service.instance.id': instance,
    }),
    readers: [reader],
  });
  const meter = provider.getMeter('lib.metrics');
  const { received, processed, dlq, queued, documents, tokens } = EACH_WORKER;
  const chain = { 'chain.name': 'main' };
  meter.createCounter('conserver.main_loop.count_vcons_received').add(received, { ingress_list: 'default' });
  meter.createCounter('conserver.main_loop.count_vcons_processed').add(processed, chain);
  meter.createUpDownCounter('conserver.vcons.inflight').add(received - processed, chain);
  const run = meter.createHistogram('conserver.main_loop.vcon_processing_time');
  const link = meter.createHistogram('conserver.link.execution_time');
  for (let count = 0; count < processed; count += 1) {
    run.record(0.5, chain);
    link.record(0.25, { ...chain, 'link.name': 'analyze' });
  }
  const links = meter.createCounter('conserver.link.count');
  links.add(processed, { link_name: 'analyze', outcome: 'success' });
  links.add(1, { link_name: 'analyze', outcome: 'error' });
  links.add(1, { link_name: 'analyze', outcome: 'halt' });
  const stored = { backend: 'postgres', outcome: 'success' };
  meter.createCounter('conserver.storage.count').add(processed, stored);
  meter.createHistogram('conserver.storage.duration_ms').record(12, stored);
  meter.createCounter('conserver.dlq.count').add(dlq, { queue_name: 'DLQ:default' });
  const lengths = meter.createObservableGauge('conserver.ingress_list.length');
  lengths.addCallback((result) => {
    result.observe(queued, { ingress_list: 'default', kind: 'ingress' });
    result.observe(dlq, { ingress_list: 'default', kind: 'dlq' });
  });
  const memory = meter.createObservableGauge('conserver.redis.memory_used_bytes');
  memory.addCallback((result) => result.observe(1_000_000));
  const spent = meter.createCounter('conserver.link.openai.tokens');
  for (let document = 0; document < documents; document += 1)
    spent.add(tokens, { 'vcon.uuid': crypto.randomUUID(), 'link.name': 'analyze' });
  await provider.shutdown();
}
