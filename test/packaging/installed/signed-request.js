import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { startTracing, traceChain } from 'vcon-otel';
import { verifySignature } from './verify-signature.ts';

// A receiver of `tracers.external_audit`: prints whether each request is genuine, by its own key and by another one.
const KEY = 'an example signing key';
const server = createServer(async (request, response) => {
  const body = await text(request);
  const genuine = [KEY, 'another signing key'].map((key) => verifySignature(key, request.headers, body));
  console.log(JSON.parse(body).event_type, ...genuine);
  response.end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const options = {
  api_url: `http://127.0.0.1:${server.address().port}`,
  signing_key: KEY,
  allow_private_hosts: ['127.0.0.1'],
};
const tracing = await startTracing({ tracers: { siem: { module: 'tracers.external_audit', options } } });
await traceChain({ name: 'main', links: [] }, 'V', () => {});
await tracing.shutdown();
server.close();
