import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { alwaysRecord, SpanMetricsProcessor, TracerSpanProcessor, traceChain } from 'vcon-otel';
import { batchSpans } from 'vcon-otel/exporters';
import { memoryVconStore } from 'vcon-otel/vcon-store';
import myTracer from './custom-tracer.ts';

const sdk = new NodeSDK({
  spanProcessors: [
    new TracerSpanProcessor({
      tracers: [
        { name: 'mine', module: myTracer },
        { name: 'audit', module: 'tracers.compliance', options: { directory: './data/audit' } },
      ],
      // Where tracers look up documents; `redisVconStore({ url })` is the conserver's Redis.
      vcons: memoryVconStore(),
    }),
    new SpanMetricsProcessor(),
    // With `spanProcessors`, the SDK silently ignores `traceExporter`: the exporter must be listed here. The SDK's own batch
    // processor works too; this one accounts for every span, and `shutdown` does not reject where no Collector is.
    batchSpans(new OTLPTraceExporter()),
  ],
  // Tracers hear every run; exporters get what your own sampler picks: `alwaysRecord(mine)`.
  sampler: alwaysRecord(),
});
sdk.start();

const chain = { name: 'main', links: ['transcribe'] };
await traceChain(chain, '019c4d3b-2258-81e2-b569-459ff5ed47c3', async (run) => {
  await run.link('transcribe', async (vconUuid) => vconUuid);
});

await sdk.shutdown();
