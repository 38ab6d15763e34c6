import { hostname } from 'node:os';
import { type Finding, ok, problem, warning } from '../../model/finding.ts';
import { probeRedis, type RedisServer } from '../../persistence/redis-probe.ts';
import { missingRights } from './rights.ts';
import { holderIn, holderKey } from './stream-lease.ts';

/** What of the receiver's options says what it reads. */
export interface StreamPlace {
  readonly url: string;
  readonly stream: string;
  readonly group: string;
}

/** The first version that says how far a group lags behind (`XINFO GROUPS`). */
const OLDEST_REDIS = 7;

/** Looks whether forwarded records can be read from Redis, and how many wait. */
export function probe(place: StreamPlace, timeout: number): Promise<readonly Finding[]> {
  return probeRedis(place.url, 'receivers.redis_stream.url', timeout, async (server) => {
    const rights = await ofRights(server, place);
    // Then the others would only say the same.
    if (rights.length > 0) return [...ofServer(server), ...rights];
    return [...ofServer(server), await ofStream(server, place), ...(await ofHolder(server, place))];
  });
}

function ofServer({ place, version, policy }: RedisServer): Finding[] {
  const answers = `Redis ${version} at ${place} answers`;
  return [
    Number.parseInt(version, 10) >= OLDEST_REDIS
      ? ok(answers)
      : problem(`${answers}, but is too old for the stream`, `take Redis ${OLDEST_REDIS}.0 or newer`),
    ...(policy.startsWith('allkeys-')
      ? [
          warning(
            `with its maxmemory-policy ${policy} it may throw the stream away when its memory is full`,
            'set maxmemory-policy to noeviction, or to one of volatile-*',
          ),
        ]
      : []),
  ];
}

async function ofRights(server: RedisServer, place: StreamPlace): Promise<Finding[]> {
  const missing = await missingRights(server.ask, place);
  if (missing.length === 0) return [];
  return [
    problem(
      `its user lacks the rights ${missing.join(' ')}`,
      'ACL SETUSER gives them: docs/operations.md, "Rights", has all that are needed',
    ),
  ];
}

async function ofStream({ ask }: RedisServer, { stream, group }: StreamPlace): Promise<Finding> {
  const type = await ask((redis) => redis.type(stream));
  if (type === 'none')
    return warning(`there is no stream ${stream} yet`, 'it is made by the first record, or by the service');
  if (type !== 'stream')
    return problem(
      `the key ${stream} is no stream, but a ${type}`,
      'give receivers.redis_stream.stream a free key',
    );
  const entries = (await ask((redis) => redis.xlen(stream))).toLocaleString('en');
  const groups = (await ask((redis) => redis.call('XINFO', 'GROUPS', stream))) as unknown[][];
  const found = groups.map(fieldsOf).find((fields) => fields.get('name') === group);
  if (!found)
    return warning(`the stream ${stream} has ${entries} entries, and no group ${group} yet`, BY_SERVICE);
  const lag = found.get('lag') ?? 'an unknown number of';
  return ok(
    `the stream ${stream} has ${entries} entries; the group ${group} has ${lag} to read and ${found.get('pending')} unanswered`,
  );
}

async function ofHolder({ ask }: RedisServer, place: StreamPlace): Promise<Finding[]> {
  const key = holderKey(place);
  const [value, ttl] = [await ask((redis) => redis.get(key)), await ask((redis) => redis.pttl(key))];
  const holder = holderIn({ value: value ?? undefined, ttl });
  if (!holder) return [];
  const { host, pid, since } = holder;
  const found = `an adapter reads it: host ${host}, process ${pid}, since ${since}`;
  return [host === hostname() ? ok(found) : warning(`${found} (STREAM_IN_USE)`, ONE_READS)];
}

const ONE_READS = 'one adapter alone reads a group: a service that starts here takes over when that one ends';

const BY_SERVICE = 'the service makes it when it starts';

/** A reply of names and values by turns. */
function fieldsOf(reply: readonly unknown[]): ReadonlyMap<unknown, unknown> {
  return new Map(Array.from({ length: reply.length / 2 }, (_, i) => [reply[2 * i], reply[2 * i + 1]]));
}
