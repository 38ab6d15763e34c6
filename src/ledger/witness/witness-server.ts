import type { IncomingMessage } from 'node:http';
import {
  boundedBody,
  type PageAnswer,
  refusal,
  type SmallServer,
  type SmallServerAddress,
  startSmallServer,
} from '../../incoming/small-server.ts';
import { ThrottledLog } from '../../model/throttled-log.ts';
import { ADD_CHECKPOINT, SIZE_TYPE } from './add-checkpoint.ts';
import type { Witness, WitnessAnswer } from './witness.ts';

/**
 * Serves a witness over HTTP (C2SP tlog-witness): `POST /add-checkpoint`, and `GET /<origin hash>/checkpoint` for monitors.
 * @param path what asks for the server, for errors
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`
 */
export function startWitnessServer(
  witness: Witness,
  address: SmallServerAddress,
  path: string,
): Promise<SmallServer> {
  return startSmallServer({ ...address, path, log, answer: (request) => answer(request, witness) });
}

const log = new ThrottledLog('vcon-otel/witness');

async function answer(request: IncomingMessage, witness: Witness): Promise<PageAnswer> {
  const [path = ''] = (request.url ?? '').split('?', 1);
  if (path === `/${ADD_CHECKPOINT}`) {
    if (request.method !== 'POST') return refusal(405, 'only POST', { allow: 'POST' });
    const body = await boundedBody(request, MAX_BODY);
    if (body === undefined)
      return refusal(413, `a request is text of ${MAX_BODY} bytes at most`, { connection: 'close' });
    return answered(await witness.add(body));
  }
  const [, originHash] = /^\/([0-9a-f]{64})\/checkpoint$/.exec(path) ?? [];
  if (originHash === undefined) return refusal(404, `only /${ADD_CHECKPOINT} and /<origin hash>/checkpoint`);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refusal(405, 'only GET', { allow: 'GET, HEAD' });
  const note = witness.checkpoint(originHash);
  return note === undefined ? refusal(404, 'nothing of this log has been cosigned') : text(200, note);
}

/** Bytes: 63 hashes, and a checkpoint with 16 signatures of which each may be one of 5,000 bytes. */
const MAX_BODY = 131_072;

function answered(given: WitnessAnswer): PageAnswer {
  if (given.status === 200) return text(200, given.lines);
  if (given.status === 409) return text(409, `${given.size}\n`, SIZE_TYPE);
  return refusal(given.status, given.reason);
}

function text(status: number, body: string, type = 'text/plain; charset=utf-8'): PageAnswer {
  return { status, type, body };
}
