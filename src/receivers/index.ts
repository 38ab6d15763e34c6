export { RunAssembler } from './assembler/run-assembler.ts';
export { type HttpReceiver, startHttpReceiver } from './http-server.ts';
export type { ReceiverIssue } from './issues.ts';
export { measureReceivers } from './receiver-metrics.ts';
export { type RedisStreamReceiver, type RedisStreamStats, startRedisStreamReceiver } from './redis-stream.ts';
export { RECEIVER_OUTCOMES, Tally } from './tally.ts';
