import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FactSink } from '../../model/fact-sink.ts';
import type { RequestBounds } from '../byte-budget.ts';
import type { ReceiverCounts } from '../counts.ts';
import type { JsonReader } from '../json/json-reader.ts';

/** What the routes need. */
export interface RouteSettings extends RequestBounds {
  readonly sink: FactSink;
  readonly counts: ReceiverCounts;
  readonly jsonReader: JsonReader;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The name of whoever sent it, see `bearerCheck`. */
    sender: string | undefined;
  }
}

/** Answers a request. */
export type Route = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
