export { RECEIVER_OUTCOMES, ReceiverCounts } from './counts.ts';
export { withReceived } from './received.ts';
export type { Receiver, StreamStats } from './receiver.ts';
export { measureReceivers } from './receiver-metrics.ts';
