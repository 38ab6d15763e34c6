import type { Delivery } from './delivery.ts';
import { formatDuration } from './duration.ts';
import type { Config, ConfigInput } from './schema.ts';
import { formatSize } from './size.ts';

/** A configuration as it may be written and read in again: durations and sizes have their units. */
export function asWritten(config: Config): ConfigInput {
  const { tracers, journal, receivers } = config;
  return {
    ...config,
    tracers: Object.fromEntries(
      Object.entries(tracers).map(([name, { delivery, ...tracer }]) => [
        name,
        delivery ? { ...tracer, delivery: deliveryAsWritten(delivery) } : tracer,
      ]),
    ),
    receivers: receiversAsWritten(receivers),
    journal:
      journal.type === 'sqlite'
        ? { ...journal, retention: formatDuration(journal.retention), max_size: formatSize(journal.max_size) }
        : journal,
  };
}

type DeliveryInput = NonNullable<NonNullable<ConfigInput['tracers']>[string]>['delivery'];

function deliveryAsWritten({ timeout, retry, circuit_breaker, ...rest }: Delivery): DeliveryInput {
  return {
    ...rest,
    ...(timeout !== undefined && { timeout: formatDuration(timeout) }),
    ...(retry && { retry: retryAsWritten(retry) }),
    ...(circuit_breaker && { circuit_breaker: breakerAsWritten(circuit_breaker) }),
  };
}

function retryAsWritten({
  initial_interval,
  max_interval,
  max_elapsed_time,
  ...rest
}: NonNullable<Delivery['retry']>): NonNullable<DeliveryInput>['retry'] {
  return {
    ...rest,
    ...(initial_interval !== undefined && { initial_interval: formatDuration(initial_interval) }),
    ...(max_interval !== undefined && { max_interval: formatDuration(max_interval) }),
    ...(max_elapsed_time !== undefined && {
      max_elapsed_time: max_elapsed_time === 0 ? 0 : formatDuration(max_elapsed_time),
    }),
  };
}

function breakerAsWritten({
  pause,
  ...rest
}: NonNullable<Delivery['circuit_breaker']>): NonNullable<DeliveryInput>['circuit_breaker'] {
  return { ...rest, ...(pause !== undefined && { pause: formatDuration(pause) }) };
}

function receiversAsWritten({
  http,
  redis_stream,
  assembler,
}: Config['receivers']): ConfigInput['receivers'] {
  return {
    ...(http && {
      http: {
        ...http,
        max_body: formatSize(http.max_body),
        header_timeout: formatDuration(http.header_timeout),
        body_timeout: formatDuration(http.body_timeout),
      },
    }),
    ...(redis_stream && {
      redis_stream: { ...redis_stream, claim_after: formatDuration(redis_stream.claim_after) },
    }),
    assembler: {
      ...assembler,
      settle: formatDuration(assembler.settle),
      timeout: formatDuration(assembler.timeout),
    },
  };
}
