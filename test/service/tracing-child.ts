import { startTracing, traceChain } from '../../src/index.ts';

// A process that records the spans of so many chains, says so, and goes on until it is killed.

const [journal = '', traces = '', chains = '0'] = process.argv.slice(2);
await startTracing({
  log_level: 'error',
  journal: { type: 'sqlite', path: journal },
  exporters: { otlp: { traces_endpoint: traces } },
});
setInterval(() => undefined, 1_000);
for (let i = 0; i < Number(chains); i += 1)
  await traceChain({ name: 'main', links: ['first'] }, crypto.randomUUID(), (run) =>
    run.link('first', async (vcon) => vcon),
  );
console.log('passed');
