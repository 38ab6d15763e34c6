import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { eventName } from '../../../src/model/event.ts';
import { TracerSpanProcessor } from '../../../src/service/tracer-span-processor.ts';
import dbAudit from '../../../src/tracers/db-audit.ts';
import { describeWithPostgres, type PostgresServer, startPostgresServer } from '../../postgres-server.ts';
import { PATIENCE } from '../../support/eventually.ts';
import { happen, randomChain } from '../../support/random-chain.ts';
import { recordingTracer } from '../../support/recording-tracer.ts';
import { startSdk } from '../../support/sdk.ts';

/** Runs at a time; there are waves of them until the database has been killed, and while it is away. */
const WAVE = 40;

describeWithPostgres('a PostgreSQL that is killed and comes back', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgresServer();
  });
  afterAll(() => server?.remove());

  test('costs no event and doubles none, over all kinds of chains', async () => {
    const { calls, tracer: witness } = recordingTracer();
    const delivery = {
      retry: { initialInterval: 1, maxInterval: 50 },
      circuitBreaker: { failures: 1_000_000 },
    };
    const bridge = new TracerSpanProcessor({
      tracers: [
        { name: 'database', module: dbAudit, options: { url: server.url }, delivery },
        { name: 'witness', module: witness },
      ],
      drainTimeout: 30_000,
    });
    const sdk = startSdk([bridge]);
    const chains = fc.sample(randomChain, { numRuns: WAVE * 7, seed: 4 });
    const wave = (number: number) =>
      Promise.all(chains.slice(number * WAVE, (number + 1) * WAVE).map(happen));
    const state = () => bridge.stats().tracers.database;
    try {
      for (let outage = 0; outage < 3; outage += 1) {
        const heard = state()?.ok ?? 0;
        const running = wave(2 * outage);
        // In the middle: some rows are written, others are on their way.
        await vi.waitUntil(() => (state()?.ok ?? 0) > heard + 20, PATIENCE);
        await server.kill();
        await Promise.all([running, wave(2 * outage + 1)]);
        await vi.waitUntil(() => (state()?.retrying ?? 0) > 0, PATIENCE);
        await server.start();
      }
      await wave(6);
      await bridge.forceFlush();
      expect(state()).toMatchObject({ pending: 0, dead: 0, dropped: 0, retrying: 0 });
      expect(state()?.retried).toBeGreaterThan(0);
    } finally {
      await sdk.shutdown();
    }
    const heard = calls.flatMap((call) =>
      call.call === 'trace' ? [`${call.context.eventId} ${eventName(call.context)} ${call.vconUuid}`] : [],
    );
    const rows = await server.query<{ event_id: string; event: string; vcon_uuid: string }>(
      'SELECT event_id, event, vcon_uuid FROM vcon_events',
    );
    const written = rows.map(({ event_id, event, vcon_uuid }) => `${event_id} ${event} ${vcon_uuid}`);
    expect(heard.length).toBeGreaterThan(WAVE * 8);
    expect(written.sort()).toEqual(heard.sort());
  }, 90_000);
});
