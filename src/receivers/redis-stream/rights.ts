import type { RedisClient } from '../../persistence/redis-client.ts';
import { holderKey } from './stream-lease.ts';

/** Nobody calls a group so: whatever is asked of it fails, once the right to ask has been looked at. */
const NO_GROUP = 'vcon-otel:no such group';

/** Every command that is sent, in a form that changes nothing, whether it is let in or not. */
function trials(stream: string, group: string): readonly (readonly [right: string, ...command: string[]])[] {
  const holder = holderKey({ stream, group });
  const dead = `${stream}:dead`;
  return [
    ['+xread', 'xread', 'COUNT', '1', 'STREAMS', stream, '$'],
    ['+xreadgroup', 'xreadgroup', 'GROUP', NO_GROUP, 'x', 'COUNT', '1', 'STREAMS', stream, '0'],
    ['+xack', 'xack', stream, group, '0-0'],
    // No entry can have this id.
    [`+xadd ~${dead}`, 'xadd', dead, '0-0', 'x', 'x'],
    ['+xautoclaim', 'xautoclaim', stream, NO_GROUP, 'x', '0', '0'],
    ['+xpending', 'xpending', stream, NO_GROUP],
    ['+xinfo', 'xinfo', 'STREAM', stream],
    ['+xgroup', 'xgroup', 'SETID', stream, NO_GROUP, '0'],
    [`+watch ~${holder}`, 'watch', holder],
    ['+unwatch', 'unwatch'],
    // Without a transaction there is nothing to be done.
    ['+exec', 'exec'],
    [`+get ~${holder}`, 'get', holder],
    // A lifetime of nothing is refused.
    [`+set ~${holder}`, 'set', holder, 'x', 'PX', '0'],
    ['+pttl', 'pttl', holder],
    ['+pexpire', 'pexpire', holder, '1', 'NEVER'],
    ['+ping', 'ping'],
    ['+info', 'info', 'server'],
  ];
}

/**
 * The rights that the user of a connection lacks for reading a stream, as an ACL has them; none if it has all. Without the right to
 * `MULTI`, what was meant to be done together would be done one by one: entries would be handed out and never come here.
 * @param ask sends commands between which nobody else's come
 * @throws VconOtelError `STORE_UNAVAILABLE`
 */
export async function missingRights(
  ask: RedisClient['ask'],
  { stream, group }: { readonly stream: string; readonly group: string },
): Promise<string[]> {
  const tried = trials(stream, group);
  const replies = await ask((redis) =>
    // In one go, but not as a pipeline, which the client would take for a transaction.
    Promise.allSettled(tried.map(([, name = '', ...rest]) => redis.call(name, ...rest))),
  );
  const missing = tried.flatMap(([right], i) => (isRefused(replies[i]) ? [right] : []));
  // One that cannot be ended must not be begun.
  if (missing.includes('+exec')) return missing;
  const [multi] = await ask((redis) => Promise.allSettled([redis.call('multi'), redis.call('exec')]));
  return isRefused(multi) ? [...missing, '+multi'] : missing;
}

function isRefused(reply: PromiseSettledResult<unknown> | undefined): boolean {
  // Of `EXEC` it is the reason why a transaction was aborted.
  return reply?.status === 'rejected' && /\bNOPERM\b/.test(String((reply.reason as Error).message));
}
