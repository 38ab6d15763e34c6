import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { missingRedis, type RedisServer, startRedisServer } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { type Fault, type Injection, require, runFaults } from './fault.ts';
import { callOf, Forwarder, LINKS, STREAM } from './forwarder.ts';
import { randomOf } from './random.ts';
import { ReceivingService, type ReceivingState } from './receiving-service.ts';
import { streamRead } from './stream-read.ts';

/** Redis behind the stream killed, come back empty, out of memory, or trimming what nobody has read. */
export const redis: Fault = {
  name: 'redis',
  title: 'Redis behind the stream killed, come back empty, out of memory, or trimming what nobody has read',
  missing: missingRedis,
  inject: async (injection) => {
    try {
      for (const inject of [killed, outOfMemory, trimmed]) await inject(injection);
    } finally {
      await server?.stop();
    }
  },
};

/** The one that runs at the moment. */
let server: RedisServer | undefined;

/** Starts a Redis in place of the one before. */
async function serveRedis(port?: number, settings?: string[]): Promise<RedisServer> {
  await server?.stop();
  server = await startRedisServer(port, settings);
  return server;
}

/** Both ends of the stream are killed, in turn and at any moment; at last Redis comes back without anything. */
async function killed({ size, seed, folder, say }: Injection): Promise<void> {
  const kills = { full: 40, short: 6 }[size];
  const random = randomOf(seed);
  const data = join(folder, 'redis');
  mkdirSync(data);
  const kept = ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', data];
  const { port, url } = await serveRedis(undefined, kept);
  const { service, forwarder } = await start(folder, 'killed', url);
  for (let kill = 0; kill < kills; kill += 1) {
    const adding = forwarder.add(400);
    await wait(random() * 150);
    if (kill % 2 === 0) await serveRedis(port, kept);
    else {
      await service.kill();
      await service.start();
    }
    await adding;
  }
  await read(service, forwarder);
  await serveRedis(port);
  await forwarder.add(400);
  await read(service, forwarder);
  const told = await end(service, forwarder, () => true);
  say(
    `${kills} kills of Redis and of the service, one Redis that came back empty: ${forwarder.added} records, ${told}`,
  );
}

/** A Redis that takes no more is read to its end; what is to be set aside waits until there is room. */
async function outOfMemory({ folder, size, say }: Injection): Promise<void> {
  const records = { full: 20_000, short: 4_000 }[size];
  const { url } = await serveRedis();
  const { service, forwarder } = await start(folder, 'out-of-memory', url);
  // Making the group would need memory.
  await read(service, forwarder);
  await service.kill();
  const { client } = forwarder;
  await forwarder.add(records / 2);
  await client.xadd(STREAM, '*', 'record', 'nothing that could be read');
  await forwarder.add(records / 2);
  await client.config('SET', 'maxmemory', '1');
  await service.start();
  await eventually('the service says what cannot be set aside, and reads on', async () => {
    const { troubles, receivers } = await service.readyz();
    const isSaid = troubles.includes('1 records cannot be set aside in Redis');
    return isSaid && receivers.records.accepted === records ? true : undefined;
  });
  await client.config('SET', 'maxmemory', '0');
  const { receivers } = await read(service, forwarder);
  require(receivers.records.rejected === 1, () => `one was set aside: ${JSON.stringify(receivers)}`);
  const aside = await client.xlen(`${STREAM}:dead`);
  require(aside === 1, () => `${aside} entries were set aside instead of one`);
  const told = await end(service, forwarder, () => true);
  say(`out of memory: ${records} records read, one set aside when there was room; ${told}`);
}

/** What is trimmed while the service is away, or cannot keep up, is counted: no more and no less. */
async function trimmed({ folder, size, say }: Injection): Promise<void> {
  const rounds = { full: 20, short: 4 }[size];
  const { url } = await serveRedis();
  const { service, forwarder } = await start(folder, 'trimmed', url);
  const gone = new Set<number>();
  for (let round = 0; round < rounds; round += 1) {
    const first = forwarder.added;
    await service.stop();
    await forwarder.add(AWAY, 'MAXLEN', '=', String(LEFT));
    await service.start();
    const state = await read(service, forwarder);
    requireLost(state, AWAY - LEFT);
    require(state.troubles.some((trouble) => trouble.startsWith('records were trimmed off')), () =>
      `trimming was not told: ${JSON.stringify(state.troubles)}`);
    for (let seq = first; seq < first + AWAY - LEFT; seq += 1) gone.add(seq);
  }
  const trimmedAway = gone.size;
  const first = forwarder.added;
  await forwarder.add(LOAD, 'MAXLEN', '=', '10');
  const { receivers } = await read(service, forwarder);
  const lost = (receivers.records.lost ?? 0) - (AWAY - LEFT);
  const heard = (receivers.records.accepted ?? 0) - LEFT;
  require(lost + heard === LOAD, () => `of ${LOAD} records ${heard} were read and ${lost} counted as lost`);
  for (let seq = first; seq < forwarder.added; seq += 1) gone.add(seq);
  const told = await end(service, forwarder, (seq) => !gone.has(seq));
  say(
    `trimmed: ${trimmedAway.toLocaleString('en')} records while it was away, ${lost} of ${LOAD} under load, each counted; ${told}`,
  );
}

/** Records that are added while the service is away, and those of them that are left. */
const AWAY = 1_000;
const LEFT = 300;
/** Records that are added to a stream that is kept too short. */
const LOAD = 4_000;

async function start(folder: string, name: string, url: string) {
  const service = new ReceivingService(join(folder, name), {
    chains: { main: { links: LINKS } },
    receivers: { redis_stream: { url, stream: STREAM } },
  });
  await service.start();
  return { service, forwarder: new Forwarder(url) };
}

/** Waits until everything is read, acknowledged and told. */
async function read(service: ReceivingService, { client }: Forwarder): Promise<ReceivingState> {
  await streamRead(client, STREAM);
  const state = await service.quiet();
  const { redis_stream: stream } = state.receivers;
  require(stream?.failure === undefined, () => `the stream: ${stream?.failure}`);
  return state;
}

function requireLost({ receivers: { records } }: ReceivingState, lost: number): void {
  require(records.lost === lost, () => `${lost} records were trimmed, and ${records.lost} counted as lost`);
}

/** @throws Error unless every tracer was called for each record that had to be told, once */
async function end(
  service: ReceivingService,
  forwarder: Forwarder,
  isDue: (seq: number) => boolean,
): Promise<string> {
  forwarder.close();
  let again = 0;
  for (const heard of await service.end()) {
    const counts = new Map<string, number>();
    for (const call of heard.runs.flat()) counts.set(call, (counts.get(call) ?? 0) + 1);
    for (let seq = 0; seq < forwarder.added; seq += 1) {
      const count = counts.get(callOf(seq)) ?? 0;
      require(count === 1 || (count === 0 && !isDue(seq)), () => `record ${seq} was told ${count} times`);
    }
    again += heard.again;
  }
  return `0 lost, 0 twice, ${again.toLocaleString('en')} calls again after a kill`;
}

if (import.meta.main) await runFaults([redis]);
