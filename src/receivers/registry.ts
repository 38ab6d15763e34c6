import grpc from './grpc.ts';
import http from './http.ts';
import redisStream from './redis-stream.ts';

/** The receivers, by their names in a configuration. What they need is loaded when they are made. */
export const builtInReceivers = { http, grpc, redis_stream: redisStream };
