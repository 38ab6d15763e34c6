import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type LongAnswer, type PageAnswer, refusal, type ServerAnswer } from '../incoming/small-server.ts';
import { isVconUuid } from '../model/vcon.ts';
import { answerDeed, type DeedParts } from './deeds.ts';
import type { Feed } from './live/feed.ts';
import type { LiveRuns } from './live/live-runs.ts';
import { runRow } from './live/run-row.ts';
import type { VconFeeds } from './live/vcon-feeds.ts';
import type { ViewerPlaces } from './live/viewer-places.ts';
import { PastError } from './past/past.ts';
import type { FoundRuns, RunSearch } from './past/questions.ts';
import { isWanted } from './past/run-search.ts';
import { type RunView, runView } from './run-view.ts';
import { endedSession, sessionCookie } from './session.ts';

/** What the addresses below `/api/` answer with. */
export interface ApiParts extends DeedParts {
  readonly runs: LiveRuns;
  readonly feed: Feed;
  readonly vcons: VconFeeds;
}

/** Answers what a page asks, in JSON; the feed as server-sent events. */
export async function answerApi(request: IncomingMessage, parts: ApiParts): Promise<ServerAnswer> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  if (pathname === '/api/session') return session(request);
  // To read a long journal may take longer than what a connection is otherwise given.
  request.socket.setTimeout(PATIENCE);
  const done = await answerDeed(request, pathname, parts);
  if (done) return done;
  const address = Object.hasOwn(ADDRESSES, pathname) ? ADDRESSES[pathname] : undefined;
  if (!address) return refusal(404, `only ${[...Object.keys(ADDRESSES), '/api/session'].join(', ')}`);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refusal(405, 'only GET', { allow: 'GET, HEAD' });
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
  '/api/about': ({ sources: { service, actions }, past }) =>
    json({ service, keeps_past: past.isKept, actions }),
  '/api/feed': ({ feed }, _parameters, { headers, method, socket }) => {
    if (method === 'HEAD') return { status: 200, type: EVENTS, body: '' };
    const last = headers['last-event-id'];
    return forViewer(feed.places, socket, (response) => feed.join(response, last?.toString()));
  },
  '/api/run': async (parts, parameters) => {
    const { sources, runs, past } = parts;
    const id = parameters.get('id') ?? '';
    if (!/^[0-9a-f]{16}$/.test(id)) return refusal(422, 'id: the id of a run is 16 hexadecimal digits');
    const live = runs.find(id);
    const stored = past.isKept ? await past.ask('run', { id }) : undefined;
    const view = live ? { ...runView(live), heard: stored?.heard ?? (past.isKept ? [] : null) } : stored;
    if (!view) return refusal(404, 'no such run is under way, or kept in the journal');
    const waited = await waitedFor(view, parts);
    return json({ ...view, waited, trace_urls: sources.traceUrls(view.trace_id) });
  },
  '/api/vcon': async ({ runs, past }, parameters) => {
    const uuid = parameters.get('uuid') ?? '';
    if (!isVconUuid(uuid)) return notOfVcon;
    const stored = past.isKept ? await past.ask('vcon', { uuid }) : NOTHING;
    const known = new Set(stored.runs.map(({ id }) => id));
    const others = runs.ofVcon(uuid).filter(({ runId }) => !known.has(runId));
    return json({ runs: [...others.map((run) => runRow(run)), ...stored.runs], older: stored.older });
  },
  '/api/follow': ({ vcons }, parameters, { method, socket }) => {
    const uuid = parameters.get('uuid') ?? '';
    if (!isVconUuid(uuid)) return notOfVcon;
    if (method === 'HEAD') return { status: 200, type: EVENTS, body: '' };
    return forViewer(vcons.places, socket, (response) => vcons.join(response, uuid));
  },
  '/api/search': async ({ runs, past }, parameters) => {
    const search = searchOf(parameters);
    if (past.isKept) return json(await past.ask('search', search));
    return json({
      runs: runs.newest((run) => isWanted(run, search)).map((run) => runRow(run)),
      older: false,
    });
  },
  '/api/places': async ({ past }) => json({ places: past.isKept ? await past.ask('places', {}) : [] }),
  '/api/ledgers': async ({ ledgers }) => json({ ledgers: await ledgers.views() }),
  '/api/records': async ({ ledgers }, parameters) => {
    const uuid = parameters.get('uuid') ?? '';
    if (!isVconUuid(uuid)) return notOfVcon;
    return json({ ledgers: await ledgers.ofVcon(uuid) });
  },
  '/api/plan': async ({ past }, parameters) => {
    const { vcon, since, until } = searchOf(parameters);
    return json(await past.ask('plan', { tracer: parameters.get('tracer') ?? '', vcon, since, until }));
  },
  '/api/dead': async ({ past }, parameters) =>
    json({ letters: await past.ask('dead', { tracer: parameters.get('tracer') ?? '' }) }),
};

/** Seconds from the end of the run that queued its vCon until it began itself; null where that is not known. */
async function waitedFor(
  { start, queued_by: [by] }: RunView,
  { runs, past }: ApiParts,
): Promise<number | null> {
  if (!by) return null;
  const live = runs.find(by.id);
  const before = live ? runView(live) : past.isKept ? await past.ask('run', { id: by.id }) : undefined;
  if (!before || before.duration === null) return null;
  return Math.max(0, (start - before.start) / 1e3 - before.duration);
}

const notOfVcon = refusal(422, 'uuid: this is not the uuid of a vCon');
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

function forViewer(
  places: ViewerPlaces,
  { remoteAddress = '' }: Socket,
  begin: LongAnswer['begin'],
): ServerAnswer {
  const none = places.noneFor(remoteAddress);
  if (none !== undefined) return refusal(503, none, { 'retry-after': '10' });
  return { status: 200, type: EVENTS, begin };
}
