import type { MethodDefinition } from '@grpc/grpc-js';

/** Bytes as they are: what is in them is read as it is of any other road. */
type Bytes = MethodDefinition<Buffer, Buffer>;

/** The methods of OTLP's three services (opentelemetry-proto, `opentelemetry/proto/collector`). */
export const EXPORT_TRACES = method('trace.v1.TraceService');
export const EXPORT_METRICS = method('metrics.v1.MetricsService');
export const EXPORT_LOGS = method('logs.v1.LogsService');

function method(service: string): Bytes {
  const asItIs = (bytes: Buffer) => bytes;
  return {
    path: `/opentelemetry.proto.collector.${service}/Export`,
    requestStream: false,
    responseStream: false,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  };
}
