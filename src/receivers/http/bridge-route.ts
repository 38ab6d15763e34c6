import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { withDeadline } from '../../model/deadline.ts';
import { VconOtelError } from '../../model/error.ts';
import type { RecordReceipt } from '../intake.ts';
import type { ReadRecord } from '../json/reduce.ts';
import { Turns } from '../otlp/turns.ts';
import { readBody } from './body.ts';
import { isKept } from './otlp-routes.ts';
import { answerJson, encodingOf, FULL, LOST, type Refusal, refuse, WRONG_TYPE } from './refusal.ts';
import type { Route, RouteSettings } from './routes.ts';

/**
 * Takes forwarded records, one or a list of them: 200 when they survive a crash, with what became of them. With
 * `?wait=delivered` it answers when every tracer that must not miss anything has heard them: 504 where that takes longer than
 * `&timeout=` seconds, 502 where one has failed.
 */
export function bridgeRoute(settings: RouteSettings): Route {
  const { intake, budget, maxBody } = settings;
  return async (request, reply) => {
    if (encodingOf(request) !== 'json') return refuse(request, reply, WRONG_TYPE);
    const query = Query.safeParse(request.query);
    if (!query.success) return refuse(request, reply, WRONG_QUERY);
    if (intake.full) return refuse(request, reply, FULL);
    const body = await readBody(request.raw, maxBody, budget);
    if ('refusal' in body) return refuse(request, reply, body.refusal);
    let records: readonly ReadRecord[];
    try {
      records = (await settings.jsonReader.read('records', body.bytes)).items;
    } catch (error) {
      if (!(error instanceof VconOtelError)) throw error;
      return refuse(request, reply, { status: 400, message: error.message });
    } finally {
      body.release();
    }
    if (intake.full) return refuse(request, reply, FULL);
    return take(records, query.data, settings, request, reply);
  };
}

const Query = z.object({
  wait: z.literal('delivered').optional(),
  timeout: z.coerce.number().positive().max(300).default(30),
});

const WRONG_QUERY: Refusal = {
  status: 400,
  message: 'the query is wait=delivered and timeout= of 300 seconds at most',
};

async function take(
  records: readonly ReadRecord[],
  { wait, timeout }: z.infer<typeof Query>,
  { intake, tally }: RouteSettings,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const turns = new Turns();
  const count = { accepted: 0, duplicate: 0, late: 0 };
  const rejected: { index: number; error: string }[] = [];
  const receipts: RecordReceipt[] = [];
  for (const [index, read] of records.entries()) {
    if (turns.due(RECORD)) await turns.take();
    if ('error' in read) rejected.push({ index, error: read.error });
    else {
      const receipt = intake.record(read.record);
      count[receipt.outcome]++;
      receipts.push(receipt);
    }
  }
  if (receipts.length > 0 && !(await isKept(intake))) return refuse(request, reply, LOST);
  for (const outcome of ['accepted', 'duplicate', 'late'] as const)
    tally.add('records', outcome, count[outcome]);
  tally.add('records', 'rejected', rejected.length);
  if (wait) {
    const failure = await delivery(receipts, timeout);
    if (failure) return answerJson(reply, failure.status, { error: failure.message, code: failure.code });
  }
  return answerJson(reply, receipts.length === 0 && rejected.length > 0 ? 400 : 200, { ...count, rejected });
}

/** What a record counts for, see {@link Turns}. */
const RECORD = 1_024;

async function delivery(
  receipts: readonly RecordReceipt[],
  timeout: number,
): Promise<(Refusal & { readonly code: string }) | undefined> {
  try {
    await withDeadline(
      Promise.all(receipts.map((receipt) => receipt.delivered())),
      timeout * 1_000,
      'delivery',
    );
    return undefined;
  } catch (error) {
    const code = error instanceof VconOtelError ? error.code : 'TRACER_FAILED';
    return code === 'TIMEOUT'
      ? { status: 504, code, message: `the records are kept, but not delivered after ${timeout} s` }
      : { status: 502, code, message: 'the records are kept, but a tracer has failed' };
  }
}
