import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { boundedBody, refusal, type ServerAnswer } from '../incoming/small-server.ts';
import { explain } from '../model/options/explain.ts';
import { isVconUuid } from '../model/vcon.ts';
import type { Ledgers } from './ledgers.ts';
import type { PageDeed, PageSources } from './page-sources.ts';
import { type Past, PastError } from './past/past.ts';
import { isFromPage } from './same-site.ts';

/** What deeds are done with. */
export interface DeedParts {
  readonly sources: PageSources;
  readonly past: Past;
  readonly ledgers: Ledgers;
}

/** Something that is done when it is posted. */
interface Posted {
  /** Whether it changes what tracers hear: then the configuration must allow it. */
  readonly changes: boolean;
  /** @throws PastError with a sentence for a person, or z.ZodError */
  readonly do: (parts: DeedParts, body: unknown) => Promise<object>;
}

/**
 * Does what is posted to an address, and says in JSON what became of it.
 * @returns undefined for an address at which nothing is done
 */
export async function answerDeed(
  request: IncomingMessage,
  pathname: string,
  parts: DeedParts,
): Promise<ServerAnswer | undefined> {
  const deed = Object.hasOwn(DEEDS, pathname) ? DEEDS[pathname] : undefined;
  if (!deed) return undefined;
  if (request.method !== 'POST') return refusal(405, 'only POST', { allow: 'POST' });
  if (!isFromPage(request))
    return refusal(403, 'this is done from the page itself, in JSON: another site asks, or no site says it');
  if (deed.changes && !parts.sources.actions)
    return refusal(403, 'the configuration does not allow it: admin.actions is not true');
  const body = await boundedBody(request, MAX_BODY);
  if (body === undefined) return refusal(413, `a body has ${MAX_BODY} bytes of UTF-8 at most`);
  try {
    const done = await deed.do(parts, jsonOf(body));
    return { status: 200, type: 'application/json', body: `${JSON.stringify(done)}\n` };
  } catch (error) {
    if (error instanceof PastError) return refusal(422, error.message);
    if (error instanceof z.ZodError) return refusal(422, sentenceOf(error));
    throw error;
  }
}

const MAX_BODY = 65_536;
/** Events that are named at once. */
const MAX_EVENTS = 500;

const name = z.string().min(1).max(1_024);
const actor = z.string();
const uuid = z.string().refine(isVconUuid, { params: { expected: 'the uuid of a vCon' } });
const chosen = z.strictObject({ tracer: name, events: z.array(name).max(MAX_EVENTS).optional(), actor });
const aim = z.strictObject({
  tracer: name,
  since: z.number().optional(),
  until: z.number().optional(),
  vcon: uuid.optional(),
  actor,
});

const DEEDS: Readonly<Record<string, Posted>> = {
  '/api/verify': {
    changes: false,
    async do({ ledgers }, body) {
      await ledgers.verify(z.strictObject({ tracer: name }).parse(body).tracer);
      return { begun: true };
    },
  },
  '/api/proof': {
    changes: false,
    async do({ sources, ledgers }, body) {
      const asked = z.strictObject({ tracer: name, uuid, actor }).parse(body);
      requireActor(sources, asked.actor);
      const { directory, proved } = await ledgers.prove(asked.tracer, asked.uuid);
      const vcon_uuid = proved.bundle.vcon_uuid;
      const deed = { event: 'vcon_proved', vcon_uuid, with_content_key: false } as const;
      const unrecorded = await sources.record(deed, asked.actor, [directory]);
      return { bundle: proved.bundle, unrecorded };
    },
  },
  '/api/retry': { changes: true, do: (parts, body) => decide('retry', parts, chosen.parse(body)) },
  '/api/skip': { changes: true, do: (parts, body) => decide('skip', parts, chosen.parse(body)) },
  '/api/replay': {
    changes: true,
    async do({ sources, past }, body) {
      const { actor, tracer, since, until, vcon } = aim.parse(body);
      requireActor(sources, actor);
      const { queued: changed, left } = await past.ask('replay', { tracer, since, until, vcon });
      const deed = { event: 'events_replayed', tracer, events: changed } as const;
      const named = vcon === undefined ? deed : { ...deed, vcon_uuid: vcon };
      return { changed, left, unrecorded: await recorded(sources, named, actor) };
    },
  },
};

async function decide(
  what: 'retry' | 'skip',
  { sources, past }: DeedParts,
  { actor, tracer, events }: z.output<typeof chosen>,
): Promise<object> {
  requireActor(sources, actor);
  const { changed, left } = await past.ask(what, { tracer, events });
  const event = what === 'retry' ? 'events_requeued' : 'events_skipped';
  const deed = { event, tracer, events: changed, ...(events && { event_ids: events }) } as const;
  return { changed, left, unrecorded: await recorded(sources, deed, actor) };
}

/** What was not done is not recorded. */
async function recorded(
  { record }: PageSources,
  deed: Extract<PageDeed, { readonly events: number }>,
  actor: string,
): Promise<readonly string[]> {
  return deed.events === 0 ? [] : record(deed, actor);
}

/** @throws PastError */
function requireActor({ isActor }: PageSources, name: string): void {
  if (!isActor(name))
    throw new PastError(
      'say who you are, for the ledger: a name of up to 256 characters, but not conserver, ledger or operator',
    );
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function sentenceOf({ issues }: z.ZodError): string {
  const [issue] = issues;
  return issue ? `${issue.path.join('.') || 'the body'}: ${explain({ ...issue })}` : 'the body is not valid';
}
