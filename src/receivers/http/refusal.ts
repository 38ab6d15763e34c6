import type { FastifyReply, FastifyRequest } from 'fastify';
import { pathOf } from '../../incoming/addressed.ts';
import { type EncodedAnswer, RETRY_AFTER, RPC_CODE, status } from '../otlp/answers.ts';
import type { Encoding } from '../otlp/decode.ts';

/** Why a request is refused. The message never quotes it. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 415 | 500 | 502 | 503 | 504;
  readonly message: string;
}

/** The sender should come back later. */
export const FULL: Refusal = { status: 503, message: 'there is no room for more at the moment' };
/** What was received may not survive a crash: the sender has to send it again. */
export const LOST: Refusal = { status: 503, message: 'what was sent could not be kept' };
export const WRONG_TYPE: Refusal = {
  status: 415,
  message: 'the content type is application/x-protobuf or application/json; records are JSON',
};

/** JSON is (RFC 8259 §8.1): what else comes would be kept as something that nobody has sent. */
export const NOT_UTF8: Refusal = { status: 400, message: 'the body is not UTF-8' };

/** Whoever sends it knows us by a name that is not ours. */
export const FOREIGN: Refusal = {
  status: 403,
  message: 'this host is not known here: use an address, localhost or a name of allowed_hosts',
};

/** Paths of OTLP, whose errors are a google.rpc.Status in the encoding of the request. */
const OTLP_PATHS: readonly string[] = ['/v1/traces', '/v1/metrics', '/v1/logs'];

/** Answers with a refusal. */
export function refuse(request: FastifyRequest, reply: FastifyReply, { status, message }: Refusal) {
  if (status === 503) reply.header('retry-after', RETRY_AFTER);
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  if (status === 405) reply.header('allow', 'POST');
  const otlp = OTLP_PATHS.includes(pathOf(request));
  return otlp
    ? answer(reply, status, otlpStatus(request, status, message))
    : answerJson(reply, status, { error: message });
}

/** Answers with a body in the encoding of the request. */
export function answer(reply: FastifyReply, status: number, { contentType, body }: EncodedAnswer) {
  return reply.code(status).header('content-type', contentType).send(body);
}

/** Answers with JSON. */
export function answerJson(reply: FastifyReply, status: number, value: object) {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  return answer(reply, status, { contentType: 'application/json', body });
}

/** The encoding of a request's body, if it is one of OTLP's two. */
export function encodingOf(request: FastifyRequest): Encoding | undefined {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/x-protobuf') return 'protobuf';
  return type === 'application/json' ? 'json' : undefined;
}

const CODE_OF: Readonly<Record<Refusal['status'], number>> = {
  400: RPC_CODE.invalidArgument,
  401: RPC_CODE.unauthenticated,
  403: RPC_CODE.permissionDenied,
  404: RPC_CODE.notFound,
  405: RPC_CODE.unimplemented,
  413: RPC_CODE.resourceExhausted,
  415: RPC_CODE.invalidArgument,
  500: RPC_CODE.internal,
  502: RPC_CODE.unavailable,
  503: RPC_CODE.unavailable,
  504: RPC_CODE.unavailable,
};

function otlpStatus(request: FastifyRequest, code: Refusal['status'], message: string): EncodedAnswer {
  return status(encodingOf(request) ?? 'json', CODE_OF[code], message);
}
