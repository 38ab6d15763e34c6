import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { AlwaysOnSampler, BatchSpanProcessor, createAlwaysRecordSampler } from '@opentelemetry/sdk-trace';
import { SpanMetricsProcessor, TracerSpanProcessor, traceChain } from 'vcon-otel';
import myTracer from './custom-tracer.ts';

const sdk = new NodeSDK({
  spanProcessors: [
    new TracerSpanProcessor({ tracers: [{ name: 'mine', module: myTracer }] }),
    new SpanMetricsProcessor(),
    // `spanProcessors` switches `traceExporter` off without a word: the exporter has to stand here.
    new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), maxQueueSize: 65_536 }),
  ],
  // Tracers hear every run, exporters get what your sampler picks.
  sampler: createAlwaysRecordSampler(new AlwaysOnSampler()),
});
sdk.start();

const chain = { name: 'main', links: ['transcribe'] };
await traceChain(chain, '019c4d3b-2258-81e2-b569-459ff5ed47c3', async (run) => {
  await run.link('transcribe', async (vconUuid) => vconUuid);
});

await sdk.shutdown();
