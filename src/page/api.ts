import type { IncomingMessage } from 'node:http';
import { type PageAnswer, refusal, type ServerAnswer } from '../incoming/small-server.ts';
import { isVconUuid } from '../model/vcon.ts';
import { type Feed, MAX_VIEWERS } from './live/feed.ts';
import type { LiveRuns } from './live/live-runs.ts';
import { runRow } from './live/run-row.ts';
import type { VconFeeds } from './live/vcon-feeds.ts';
import type { PageSources } from './page-sources.ts';
import { type Past, PastError } from './past/past.ts';
import type { FoundRuns, RunSearch } from './past/questions.ts';
import { runView } from './run-view.ts';
import { endedSession, sessionCookie } from './session.ts';

/** What the addresses below `/api/` answer with. */
export interface ApiParts {
  readonly sources: PageSources;
  readonly runs: LiveRuns;
  readonly feed: Feed;
  readonly vcons: VconFeeds;
  readonly past: Past;
}

/** Answers what a page asks, in JSON; the feed as server-sent events. */
export async function answerApi(request: IncomingMessage, parts: ApiParts): Promise<ServerAnswer> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  if (pathname === '/api/session') return session(request);
  const address = Object.hasOwn(ADDRESSES, pathname) ? ADDRESSES[pathname] : undefined;
  if (!address) return refusal(404, `only ${[...Object.keys(ADDRESSES), '/api/session'].join(', ')}`);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refusal(405, 'only GET', { allow: 'GET, HEAD' });
  // To read a long journal may take longer than what a connection is otherwise given.
  request.socket.setTimeout(PATIENCE);
  try {
    return await address(parts, searchParams, request);
  } catch (error) {
    if (error instanceof PastError) return refusal(422, error.message);
    throw error;
  }
}

/** Milliseconds. */
const PATIENCE = 120_000;

type Address = (
  parts: ApiParts,
  parameters: URLSearchParams,
  request: IncomingMessage,
) => ServerAnswer | Promise<ServerAnswer>;

const ADDRESSES: Readonly<Record<string, Address>> = {
  '/api/about': ({ sources: { service }, past }) => json({ service, keeps_past: past.isKept }),
  '/api/feed': ({ feed }, _parameters, { headers, method }) => {
    if (method === 'HEAD') return { status: 200, type: EVENTS, body: '' };
    if (feed.isFull) return tooMany;
    const last = headers['last-event-id'];
    return { status: 200, type: EVENTS, begin: (response) => feed.join(response, last?.toString()) };
  },
  '/api/run': async ({ sources, runs, past }, parameters) => {
    const id = parameters.get('id') ?? '';
    if (!/^[0-9a-f]{16}$/.test(id)) return refusal(422, 'id: the id of a run is 16 hexadecimal digits');
    const live = runs.find(id);
    const stored = past.isKept ? await past.ask('run', { id }) : undefined;
    const view = live ? { ...runView(live), heard: stored?.heard ?? (past.isKept ? [] : null) } : stored;
    if (!view) return refusal(404, 'no such run is under way, or kept in the journal');
    return json({ ...view, trace_url: sources.traceUrl?.(view.trace_id) ?? null });
  },
  '/api/vcon': async ({ runs, past }, parameters) => {
    const uuid = parameters.get('uuid') ?? '';
    if (!isVconUuid(uuid)) return refusal(422, 'uuid: the uuid of a vCon');
    const stored = past.isKept ? await past.ask('vcon', { uuid }) : NOTHING;
    const known = new Set(stored.runs.map(({ id }) => id));
    const others = runs.ofVcon(uuid).filter(({ runId }) => !known.has(runId));
    return json({ runs: [...others.map((run) => runRow(run)), ...stored.runs], older: stored.older });
  },
  '/api/follow': ({ vcons }, parameters, { method }) => {
    const uuid = parameters.get('uuid') ?? '';
    if (!isVconUuid(uuid)) return refusal(422, 'uuid: the uuid of a vCon');
    if (method === 'HEAD') return { status: 200, type: EVENTS, body: '' };
    if (vcons.isFull) return tooMany;
    return { status: 200, type: EVENTS, begin: (response) => vcons.join(response, uuid) };
  },
  '/api/search': async ({ past }, parameters) => json(await past.ask('search', searchOf(parameters))),
  '/api/places': async ({ past }) => json({ places: past.isKept ? await past.ask('places', {}) : [] }),
  '/api/dead': async ({ past }, parameters) =>
    json({ letters: await past.ask('dead', { tracer: parameters.get('tracer') ?? '' }) }),
};

const tooMany = refusal(503, `${MAX_VIEWERS} look already`, { 'retry-after': '10' });
const EVENTS = 'text/event-stream';
const NOTHING: FoundRuns = { runs: [], older: false };

function searchOf(parameters: URLSearchParams): RunSearch {
  const text = (name: string) => parameters.get(name) || undefined;
  const time = (name: string) => {
    const given = text(name);
    return given !== undefined && Number.isFinite(Number(given)) ? Number(given) : undefined;
  };
  return {
    ...{ chain: text('chain'), outcome: text('outcome'), error: text('error') },
    ...{ step: text('step'), vcon: text('vcon'), since: time('since'), until: time('until') },
  };
}

/** Gives a browser that has presented its token a cookie, or takes it away. */
function session(request: IncomingMessage): PageAnswer {
  if (request.method === 'DELETE') return done({ 'set-cookie': endedSession(request) });
  if (request.method !== 'POST') return refusal(405, 'only POST and DELETE', { allow: 'POST, DELETE' });
  const cookie = sessionCookie(request);
  return done(cookie === undefined ? {} : { 'set-cookie': cookie });
}

function done(headers: Readonly<Record<string, string>>): PageAnswer {
  return { ...json({ done: true }), headers };
}

function json(body: object): PageAnswer {
  return { status: 200, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}
