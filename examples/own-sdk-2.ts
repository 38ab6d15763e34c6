import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { alwaysRecord, SpanMetricsProcessor, TracerSpanProcessor, traceChain } from 'vcon-otel';
import myTracer from './custom-tracer.ts';

const sdk = new NodeSDK({
  spanProcessors: [
    new TracerSpanProcessor({ tracers: [{ name: 'mine', module: myTracer }] }),
    new SpanMetricsProcessor(),
    new BatchSpanProcessor(new OTLPTraceExporter(), { maxQueueSize: 65_536 }),
  ],
  sampler: alwaysRecord(),
});
sdk.start();

const chain = { name: 'main', links: ['transcribe'] };
await traceChain(chain, '019c4d3b-2258-81e2-b569-459ff5ed47c3', async (run) => {
  await run.link('transcribe', async (vconUuid) => vconUuid);
});

// Without a Collector on port 4318 the last spans cannot be sent; the tracers have heard everything all the same.
await sdk.shutdown().catch((error) => console.error(`spans were not exported: ${error.code}`));
