import { z } from 'zod';
import { closed, doorway, openDoors } from '../incoming/listening.ts';
import { keepsNothing } from '../model/erasure.ts';
import { delay } from '../model/options/duration.ts';
import { bodySize } from '../model/options/size.ts';
import { defineReceiver } from './receiver.ts';
import { credentials } from './senders.ts';

/** Takes OTLP over gRPC. */
export default defineReceiver({
  options: closed(
    z.strictObject({
      // No browser speaks gRPC, so that nobody has to be asked whom they mean by a name (`allowed_hosts`).
      ...doorway(4417),
      ...credentials,
      max_body: bodySize().prefault('4MiB'),
      body_timeout: delay().prefault('30s'),
    }),
  ),
  hearsSpans: true,
  live: ['token', 'tokens'],
  remarks: openDoors,
  async create({ host, port, token, tokens, tls, ...limits }, { sink, counts, closeTimeout }) {
    const { startGrpcReceiver } = await import('./grpc/grpc-receiver.ts');
    return startGrpcReceiver({
      host,
      port,
      token,
      tokens,
      tls: tls && { cert: tls.cert, key: tls.key, clientCa: tls.client_ca },
      maxBody: limits.max_body,
      bodyTimeout: limits.body_timeout,
      closeTimeout,
      sink,
      counts,
    });
  },
  erasure: keepsNothing,
  async probe(options, { timeout }) {
    const { probe } = await import('./grpc/probe.ts');
    return probe(options, timeout);
  },
  describe: (_options, { url }) => [`${url} takes OTLP over gRPC`],
});
