import { startTracing, traceChain } from 'vcon-otel';
import myTracer from './custom-tracer.ts';

const tracing = await startTracing({ tracers: { mine: { module: myTracer } } });

const chain = { name: 'main', links: ['transcribe'] };
await traceChain(chain, '019c4d3b-2258-81e2-b569-459ff5ed47c3', async (run) => {
  await run.link('transcribe', async (vconUuid) => vconUuid);
  await run.storage({ name: 'postgres', dbSystemName: 'postgresql' }, async (_vconUuid) => {});
});

await tracing.shutdown();
