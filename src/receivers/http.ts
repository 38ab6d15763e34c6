import { z } from 'zod';
import { closed, listening, openDoors } from '../incoming/listening.ts';
import { keepsNothing } from '../model/erasure.ts';
import { delay } from '../model/options/duration.ts';
import { bodySize } from '../model/options/size.ts';
import { defineReceiver } from './receiver.ts';
import { credentials } from './senders.ts';

/** Takes OTLP and forwarded records over HTTP. */
export default defineReceiver({
  options: closed(
    z.strictObject({
      ...listening(4418),
      ...credentials,
      max_body: bodySize().prefault('16MiB'),
      header_timeout: delay().prefault('10s'),
      body_timeout: delay().prefault('30s'),
    }),
  ),
  hearsSpans: true,
  live: ['token', 'tokens'],
  remarks: openDoors,
  async create({ host, port, token, tokens, allowed_hosts, tls, ...limits }, { sink, counts, closeTimeout }) {
    const { startHttpReceiver } = await import('./http/http-receiver.ts');
    return startHttpReceiver({
      host,
      port,
      token,
      tokens,
      hosts: allowed_hosts ?? [],
      tls: tls && { cert: tls.cert, key: tls.key, clientCa: tls.client_ca },
      maxBody: limits.max_body,
      headerTimeout: limits.header_timeout,
      bodyTimeout: limits.body_timeout,
      closeTimeout,
      sink,
      counts,
    });
  },
  erasure: keepsNothing,
  async probe(options, { timeout }) {
    const { probe } = await import('./http/probe.ts');
    return probe(options, timeout);
  },
  describe: (_options, { url }) => [`${url}/v1/traces takes OTLP, ${url}/v1/bridge forwarded records`],
});
