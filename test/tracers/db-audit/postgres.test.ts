import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventContext } from '../started.ts';
import { started } from '../started.ts';
import { describeWithPostgres, PASSWORD, type PostgresServer, startPostgresServer } from '../../postgres-server.ts';

describeWithPostgres('tracers.db_audit in PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgresServer();
  });
  afterAll(() => server.remove());
  test('x', async () => {
    const { trace, shutdown } = await started('tracers.db_audit', { url: server.url, table: 'audit.vcon_events' });
    const context = eventContext();
    await Promise.all([trace(context.outVconUuid, 'chain_start', context),trace(context.outVconUuid, 'chain_start', context)]);
    console.log(await server.query('select * from audit.vcon_events'));
    await server.kill();
    await expect(trace(context.outVconUuid, 'chain_start', context)).rejects.toMatchObject({permanent: false});
    await server.start();
    await trace(context.outVconUuid, 'chain_start', context);
    await shutdown();
  });
});
