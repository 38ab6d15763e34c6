import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { RETRY_AFTER, RPC_CODE, rpcStatus } from '../otlp/answers.ts';

/** Why a call is refused. The text never quotes it. */
export interface Denial {
  readonly code: number;
  readonly text: string;
  /** Whether the sender should send it again after a while (OTLP specification, "OTLP/gRPC Throttling"). */
  readonly comesBack: boolean;
}

/** There is no room for more. */
export const NO_ROOM = again('there is no room for more at the moment');
/** What was received may not survive a crash. */
export const NOT_KEPT = again('what was sent could not be kept');
/** A whole call took too long to arrive. */
export const TOO_SLOW: Denial = {
  code: RPC_CODE.deadlineExceeded,
  text: 'the request took too long to arrive',
  comesBack: false,
};
/** Neither the token nor any other is there. */
export const NO_TOKEN: Denial = {
  code: RPC_CODE.unauthenticated,
  text: 'the bearer token is missing or wrong',
  comesBack: false,
};

/** What cannot be read is not to be sent again. */
export function unreadable(text: string): Denial {
  return { code: RPC_CODE.invalidArgument, text, comesBack: false };
}

/** The status that says so, with a RetryInfo where the sender should come back. */
export function denied({ code, text, comesBack }: Denial): StatusObject {
  const metadata = new Metadata();
  if (comesBack) metadata.set('grpc-status-details-bin', rpcStatus(code, text, RETRY_AFTER));
  return { code, details: text, metadata };
}

function again(text: string): Denial {
  return { code: RPC_CODE.unavailable, text, comesBack: true };
}
