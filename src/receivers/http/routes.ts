import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Intake } from '../intake.ts';
import type { JsonReader } from '../json/json-reader.ts';
import type { Tally } from '../tally.ts';
import type { ByteBudget } from './byte-budget.ts';

/** What the routes are made with. */
export interface RouteSettings {
  readonly intake: Intake;
  readonly tally: Tally;
  readonly jsonReader: JsonReader;
  readonly budget: ByteBudget;
  /** Bytes of a body, packed or not. */
  readonly maxBody: number;
}

/** Answers a request. */
export type Route = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
