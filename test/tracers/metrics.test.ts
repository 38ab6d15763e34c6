import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EventName, Phase, Stage } from '../../src/model/event.ts';
import { PATIENCE } from '../support/eventually.ts';
import { eventContext, linkContext, started } from './started.ts';

const MODULE = 'tracers.metrics';
const UUID = '018f0000-0000-8000-8000-000000000001';

let server: Socket;
let statsd_port: number;
let packets: string[];

beforeEach(async () => {
  packets = [];
  server = createSocket('udp4').on('message', (packet) => packets.push(packet.toString()));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  statsd_port = (server.address() as AddressInfo).port;
});

afterEach(() => {
  vi.unstubAllEnvs();
  server.close();
});

/** Resolves with all packets, sorted, when there are so many, and one more that tells that nothing was on its way behind them. */
async function received(count: number): Promise<string[]> {
  const last = createSocket('udp4');
  await vi.waitUntil(() => packets.length >= count, PATIENCE);
  last.send('end', statsd_port, '127.0.0.1');
  await vi.waitUntil(() => packets.includes('end'), PATIENCE);
  last.close();
  return packets.filter((packet) => packet !== 'end').sort();
}

describe('what is sent', () => {
  test('the end of a link is a counter and a timer in milliseconds', async () => {
    const { trace, shutdown } = await started(MODULE, { statsd_port });
    await trace(UUID, 'link_complete', linkContext());
    expect(await received(2)).toEqual(['vcon.duration.link:12.5|ms', 'vcon.events.link_complete:1|c']);
    await shutdown();
  });

  test('a start is a counter', async () => {
    const { trace, shutdown } = await started(MODULE, { statsd_port });
    await trace(UUID, 'chain_start', eventContext());
    expect(await received(1)).toEqual(['vcon.events.chain_start:1|c']);
    await shutdown();
  });

  test.each<[Stage, number, string]>([
    ['chain', 1800, '1800000'],
    ['link', 0.0123456, '12.346'],
    ['storage', 0, '0'],
  ])('an error of a %s is a counter, a timer and one of errors.total', async (stage, duration, ms) => {
    const { trace, shutdown } = await started(MODULE, { statsd_port });
    await trace(UUID, `${stage}_error`, eventContext({ stage, phase: 'error', outcome: 'error', duration }));
    expect(await received(3)).toEqual([
      `vcon.duration.${stage}:${ms}|ms`,
      'vcon.errors.total:1|c',
      `vcon.events.${stage}_error:1|c`,
    ]);
    await shutdown();
  });

  test('a chain whose end nobody can know is a counter: neither an error nor a time', async () => {
    const { trace, shutdown } = await started(MODULE, { statsd_port });
    const lost = { stage: 'chain', phase: 'lost', outcome: 'unknown', duration: 900 } as const;
    await trace(UUID, 'chain_lost', eventContext(lost));
    expect(await received(1)).toEqual(['vcon.events.chain_lost:1|c']);
    await shutdown();
  });

  test('each of the nine events has its own counter', async () => {
    const { trace, shutdown } = await started(MODULE, { statsd_port });
    const events: EventName[] = [];
    for (const stage of ['chain', 'link', 'storage'] satisfies Stage[])
      for (const phase of ['start', 'complete', 'error'] satisfies Phase[]) {
        events.push(`${stage}_${phase}`);
        await trace(UUID, `${stage}_${phase}`, eventContext({ stage, phase }));
      }
    const counters = (await received(12)).filter((packet) => packet.startsWith('vcon.events.'));
    expect(counters).toEqual(events.map((event) => `vcon.events.${event}:1|c`).sort());
    await shutdown();
  });

  test.each([
    ['my.server', 'my.server.events.chain_start:1|c'],
    ['dotted.', 'dotted.events.chain_start:1|c'],
    ['', 'events.chain_start:1|c'],
  ])('prefix %j makes %j', async (prefix, packet) => {
    const { trace, shutdown } = await started(MODULE, { statsd_port, prefix });
    await trace(UUID, 'chain_start', eventContext());
    expect(await received(1)).toEqual([packet]);
    await shutdown();
  });

  test('the environment of a Datadog agent adds nothing', async () => {
    vi.stubEnv('DD_TAGS', 'team:canary');
    vi.stubEnv('DD_ENTITY_ID', 'canary');
    vi.stubEnv('DD_DOGSTATSD_URL', 'udp://127.0.0.1:1');
    const { trace, shutdown } = await started(MODULE, { statsd_port });
    await trace(UUID, 'chain_start', eventContext());
    expect(await received(1)).toEqual(['vcon.events.chain_start:1|c']);
    await shutdown();
  });

  test('no uuid, name or error type is in a packet', async () => {
    const { trace, shutdown } = await started(MODULE, { statsd_port });
    const canary = 'canary-7f3a';
    const names = { chain: canary, link: canary, links: [canary], errorType: canary, eventId: canary };
    await trace(canary, 'link_error', linkContext({ ...names, phase: 'error' }));
    expect((await received(3)).join()).not.toContain(canary);
    await shutdown();
  });
});

describe('the host', () => {
  test('may be a name', async () => {
    const { trace, shutdown } = await started(MODULE, { statsd_port, statsd_host: 'localhost' });
    await Promise.all([
      trace(UUID, 'chain_start', eventContext()),
      trace(UUID, 'link_start', eventContext({ stage: 'link' })),
    ]);
    await trace(UUID, 'storage_start', eventContext({ stage: 'storage' }));
    expect(await received(3)).toHaveLength(3);
    await shutdown();
  });

  test('that the system refuses fails each delivery, and nothing else', async () => {
    // Sending to the broadcast address needs a right that the socket has not asked for.
    const { trace, shutdown } = await started(MODULE, { statsd_port, statsd_host: '255.255.255.255' });
    for (const event of ['chain_start', 'chain_error'] satisfies EventName[])
      await expect(trace(UUID, event, eventContext({ duration: 1 }))).rejects.toMatchObject({
        code: 'EACCES',
      });
    await shutdown();
  });

  test('that does not listen fails nothing: UDP does not tell', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address();
    silent.close();
    const { trace, shutdown } = await started(MODULE, { statsd_port: port });
    await trace(UUID, 'chain_start', eventContext());
    await trace(UUID, 'chain_complete', eventContext({ duration: 1 }));
    await shutdown();
  });
});

describe('its life', () => {
  test('shutdown sends what was called before it, then closes', async () => {
    const { trace, shutdown } = await started(MODULE, { statsd_port });
    const call = trace(UUID, 'chain_start', eventContext());
    await Promise.all([shutdown(), shutdown()]);
    await call;
    expect(await received(1)).toEqual(['vcon.events.chain_start:1|c']);
    await expect(trace(UUID, 'chain_start', eventContext())).rejects.toMatchObject({ code: 'TRACER_FAILED' });
  });

  test('shutdown resolves where nothing was ever sent', async () => {
    const { trace, shutdown } = await started(MODULE, { statsd_port });
    await shutdown();
    await expect(trace(UUID, 'chain_start', eventContext())).rejects.toMatchObject({ code: 'TRACER_FAILED' });
  });

  test('events under way have a bound, beyond which they are refused', async () => {
    const { trace, shutdown } = await started(MODULE, { statsd_port });
    const accepted = Array.from({ length: 1_000 }, () => trace(UUID, 'chain_start', eventContext()));
    await expect(trace(UUID, 'chain_start', eventContext())).rejects.toMatchObject({ code: 'TRACER_FAILED' });
    await Promise.all(accepted);
    await trace(UUID, 'chain_start', eventContext());
    await shutdown();
  });

  test.each([
    ['an option that does not exist', { host: 'x' }, 'tracers.mine.options.host', 'unknown '],
    ['port 0', { statsd_port: 0 }, 'tracers.mine.options.statsd_port', 'statsd_port'],
    ['a port in quotes', { statsd_port: '8125' }, 'tracers.mine.options.statsd_port', 'statsd_port'],
    ['an empty host', { statsd_host: '' }, 'tracers.mine.options.statsd_host', 'statsd_host'],
    ['a prefix that ends a metric', { prefix: 'a:1|c\nb' }, 'tracers.mine.options.prefix', 'prefix'],
  ])('%s is refused with its path', async (_what, wrong, path, words) => {
    await expect(started(MODULE, wrong)).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      path,
      message: expect.stringContaining(words),
    });
  });
});
