import { isUtf8 } from 'node:buffer';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { withDeadline } from '../../model/deadline.ts';
import { VconOtelError } from '../../model/error.ts';
import type { RecordReceipt } from '../../model/fact-sink.ts';
import type { ReadRecord } from '../json/reduce.ts';
import { isKept } from '../kept.ts';
import { type Body, readBody } from './body.ts';
import { answerJson, encodingOf, FULL, LOST, NOT_UTF8, type Refusal, refuse, WRONG_TYPE } from './refusal.ts';
import type { Route, RouteSettings } from './routes.ts';

/**
 * Accepts forwarded records, one or a list of them: 200 when they survive a crash, with the outcome of each. With
 * `?wait=delivered` it answers when every tracer that must not miss anything has heard them: 504 if that takes longer than
 * `&timeout=` seconds, 502 if one has failed.
 */
export function bridgeRoute(settings: RouteSettings): Route {
  const { sink } = settings;
  return async (request, reply) => {
    if (encodingOf(request) !== 'json') return refuse(request, reply, WRONG_TYPE);
    const query = Query.safeParse(request.query);
    if (!query.success) return refuse(request, reply, WRONG_QUERY);
    if (sink.full) return refuse(request, reply, FULL);
    const body = await readBody(request.raw, settings);
    if ('refusal' in body) return refuse(request, reply, body.refusal);
    let kept: Kept | Refusal;
    try {
      kept = await keep(body, request.sender, settings);
    } finally {
      body.release();
    }
    if ('status' in kept) return refuse(request, reply, kept);
    return answerTo(kept, query.data, reply);
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

/** Records that survive a crash, and what is wrong with the others. */
interface Kept {
  readonly receipts: readonly RecordReceipt[];
  readonly count: Readonly<Record<RecordReceipt['outcome'], number>>;
  readonly rejected: readonly { readonly index: number; readonly error: string }[];
}

async function keep(
  { bytes, packed, packing, at }: Extract<Body, { bytes: Buffer }>,
  sender: string | undefined,
  { sink, counts, jsonReader }: RouteSettings,
): Promise<Kept | Refusal> {
  if (!isUtf8(bytes)) return NOT_UTF8;
  let read: readonly ReadRecord[];
  try {
    read = (await jsonReader.read('records', bytes)).items;
  } catch (error) {
    if (error instanceof VconOtelError) return { status: 400, message: error.message };
    throw error;
  }
  // It took a while.
  if (sink.full) return FULL;
  const records = read.flatMap((one) => ('record' in one ? [one.record] : []));
  const rejected = read.flatMap((one, index) => ('error' in one ? [{ index, error: one.error }] : []));
  const receipts = await sink.take(
    { form: 'records', packing, bytes: packed, at, sender },
    { spans: [], records },
  );
  if (receipts.length > 0 && !(await isKept(sink))) return LOST;
  const count = { accepted: 0, duplicate: 0, late: 0 };
  for (const { outcome } of receipts) count[outcome]++;
  for (const outcome of ['accepted', 'duplicate', 'late'] as const)
    counts.add('records', outcome, count[outcome]);
  counts.add('records', 'rejected', rejected.length);
  return { receipts, count, rejected };
}

async function answerTo(
  { receipts, count, rejected }: Kept,
  { wait, timeout }: z.infer<typeof Query>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (wait) {
    const failure = await delivery(receipts, timeout);
    if (failure) return answerJson(reply, failure.status, { error: failure.message, code: failure.code });
  }
  return answerJson(reply, receipts.length === 0 && rejected.length > 0 ? 400 : 200, { ...count, rejected });
}

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
