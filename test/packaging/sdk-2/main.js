import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { scriptedCalls } from './scripted-chain.ts';

const heard = await scriptedCalls((processor) => {
  new NodeTracerProvider({ spanProcessors: [processor] }).register();
});
process.stdout.write(JSON.stringify(heard));
