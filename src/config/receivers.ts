import { z } from 'zod';
import { delay } from './duration.ts';
import { section } from './section.ts';
import { bodySize } from './size.ts';
import { port, redisUrl, text } from './values.ts';

const http = z.strictObject({
  host: text.default('127.0.0.1'),
  port: port.default(4418),
  // An empty one is none, as `${TOKEN:-}` has it.
  token: z.string().optional(),
  tls: section(z.strictObject({ cert: text, key: text, client_ca: text.optional() })).optional(),
  max_body: bodySize().prefault('16MiB'),
  header_timeout: delay().prefault('10s'),
  body_timeout: delay().prefault('30s'),
});

const redisStream = z.strictObject({
  url: redisUrl.optional(),
  stream: text.default('vcon-otel:events'),
  group: text.default('vcon-otel'),
  consumer: text.default('vcon-otel'),
  claim_after: delay().prefault('60s'),
});

const assembler = z.strictObject({
  settle: delay().prefault('10s'),
  timeout: delay().prefault('15m'),
  max_runs: z.int().positive().default(100_000),
});

/** What listens to a Python conserver. A receiver that is not written down does not run. */
export const receivers = z.strictObject({
  http: section(http).optional(),
  redis_stream: section(redisStream).optional(),
  assembler: section(assembler).prefault({}),
});
