import type { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';

/** The group that a service reads a stream with, unless it is told otherwise. */
const GROUP = 'vcon-otel';

/** Waits until everything in a stream has been read and acknowledged: so says Redis, and at once. */
export async function streamRead(redis: Redis, stream: string): Promise<void> {
  await eventually('the stream is read and acknowledged', async () => {
    const groups = (await redis.xinfo('GROUPS', stream).catch(() => [])) as unknown[][];
    const group = groups.find((fields) => fields[1] === GROUP) ?? [];
    const field = (name: string) => group[group.indexOf(name) + 1];
    if (group.length === 0 || field('pending') !== 0) return undefined;
    const unread = await redis.xrange(stream, `(${field('last-delivered-id')}`, '+', 'COUNT', 1);
    return unread.length === 0 ? true : undefined;
  });
}
