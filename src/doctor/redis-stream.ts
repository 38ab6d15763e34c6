import type { Config } from '../config.ts';
import { type Finding, fault, ok, warning } from '../model/finding.ts';
import type { Probes } from './probe.ts';
import { type RedisServer, withRedisServer } from './redis-server.ts';

type Stream = NonNullable<Config['receivers']['redis_stream']>;

/** The first version that says how far a group lags behind (`XINFO GROUPS`). */
const OLDEST_REDIS = 7;

/** Whether forwarded records can be read from Redis, and how many wait. */
export const redisStreamProbes: Probes = ({ config: { receivers, vcon_store } }, timeout) => {
  const { redis_stream: stream } = receivers;
  if (!stream) return [];
  // The configuration's check has seen to it that one of them is there.
  const url = stream.url ?? (vcon_store.type === 'redis' ? vcon_store.url : '');
  return [
    {
      about: 'receivers.redis_stream',
      look: () =>
        withRedisServer(url, timeout, async (server) => [
          ...ofServer(server),
          await ofStream(server, stream),
        ]),
    },
  ];
};

function ofServer({ place, version, policy }: RedisServer): Finding[] {
  const answers = `Redis ${version} at ${place} answers`;
  return [
    Number.parseInt(version, 10) >= OLDEST_REDIS
      ? ok(answers)
      : fault(`${answers}, but is too old for the stream`, `take Redis ${OLDEST_REDIS}.0 or newer`),
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

async function ofStream({ redis }: RedisServer, { stream, group }: Stream): Promise<Finding> {
  const type = await redis.type(stream);
  if (type === 'none')
    return warning(`there is no stream ${stream} yet`, 'it is made by the first record, or by the service');
  if (type !== 'stream')
    return fault(
      `the key ${stream} is no stream, but a ${type}`,
      'give receivers.redis_stream.stream a free key',
    );
  const entries = (await redis.xlen(stream)).toLocaleString('en');
  const groups = (await redis.call('XINFO', 'GROUPS', stream)) as unknown[][];
  const found = groups.map(fieldsOf).find((fields) => fields.get('name') === group);
  if (!found)
    return warning(`the stream ${stream} has ${entries} entries, and no group ${group} yet`, BY_SERVICE);
  const lag = found.get('lag') ?? 'an unknown number of';
  return ok(
    `the stream ${stream} has ${entries} entries; the group ${group} has ${lag} to read and ${found.get('pending')} unanswered`,
  );
}

const BY_SERVICE = 'the service makes it when it starts';

/** A reply of names and values by turns. */
function fieldsOf(reply: readonly unknown[]): ReadonlyMap<unknown, unknown> {
  return new Map(Array.from({ length: reply.length / 2 }, (_, i) => [reply[2 * i], reply[2 * i + 1]]));
}
