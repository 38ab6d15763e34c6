import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

/** What each worker counts in a turn, so that sums over workers and turns are known. */
export const A_TURN = { received: 10, processed: 9, dlq: 1, tokens: 15 } as const;
/** What every worker says of the same list. */
export const QUEUED = 7;
export const WORKERS = ['host-a-pid-11', 'host-a-pid-12'] as const;

/** A worker of the Python conserver, as far as its metrics go: CONSERVER §5, over gRPC. */
export class PythonWorker {
  readonly #provider: MeterProvider;
  readonly #turn: () => void;

  /** @param address of the Collector's gRPC receiver */
  constructor(address: string, instance: string) {
    const exporter = new OTLPMetricExporter({ url: `http://${address}` });
    this.#provider = new MeterProvider({
      resource: resourceFromAttributes({
        'service.name': 'python-conserver',
        'host.name': 'host-a',
        'service.instance.id': instance,
        'process.owner': 'somebody',
      }),
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
    });
    this.#turn = instruments(this.#provider);
  }

  /** Does a turn's work and tells of it. */
  async turn(): Promise<void> {
    this.#turn();
    await this.#provider.forceFlush();
  }

  stop(): Promise<void> {
    return this.#provider.shutdown();
  }
}

function instruments(provider: MeterProvider): () => void {
  const meter = provider.getMeter('lib.metrics');
  const received = meter.createCounter('conserver.main_loop.count_vcons_received');
  const processed = meter.createCounter('conserver.main_loop.count_vcons_processed');
  const inflight = meter.createUpDownCounter('conserver.vcons.inflight');
  const run = meter.createHistogram('conserver.main_loop.vcon_processing_time');
  const link = meter.createHistogram('conserver.link.execution_time');
  const links = meter.createCounter('conserver.link.count');
  const storages = meter.createCounter('conserver.storage.count');
  const stored = meter.createHistogram('conserver.storage.duration_ms');
  const dlq = meter.createCounter('conserver.dlq.count');
  // One of the links that still put the uuid on their metrics.
  const tokens = meter.createCounter('conserver.link.openai.tokens');
  meter.createObservableGauge('conserver.ingress_list.length').addCallback((result) => {
    result.observe(QUEUED, { ingress_list: 'default', kind: 'ingress' });
    result.observe(1, { ingress_list: 'default', kind: 'dlq' });
  });
  meter
    .createObservableGauge('conserver.redis.memory_used_bytes')
    .addCallback((result) => result.observe(1_000_000));
  const chain = { 'chain.name': 'main' };
  const storage = { backend: 'postgres', outcome: 'success' };
  return () => {
    received.add(A_TURN.received, { ingress_list: 'default' });
    processed.add(A_TURN.processed, chain);
    inflight.add(A_TURN.received - A_TURN.processed, chain);
    for (let vcon = 0; vcon < A_TURN.processed; vcon += 1) {
      run.record(0.5, chain);
      link.record(0.25, { ...chain, 'link.name': 'analyze' });
    }
    for (const outcome of ['success', 'error', 'halt']) links.add(1, { link_name: 'analyze', outcome });
    storages.add(A_TURN.processed, storage);
    stored.record(12, storage);
    dlq.add(A_TURN.dlq, { queue_name: 'DLQ:default' });
    for (let vcon = 0; vcon < 3; vcon += 1)
      tokens.add(A_TURN.tokens / 3, { 'vcon.uuid': crypto.randomUUID(), 'link.name': 'analyze' });
  };
}
