import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config/load-config.ts';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';
import { startService } from '../../src/service/service.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a ledger that records nothing any more is a trouble, with its reason', async () => {
  const directory = join(temporaryFolder(), 'ledger');
  const service = await startService(
    parseConfig({
      log_level: 'error',
      shutdown_timeout: '2s',
      tracers: {
        audit: { module: 'tracers.compliance', options: { directory, include_content_hash: false } },
      },
    }),
  );
  onTestFinished(() => service.shutdown());
  expect(service.readiness().details.troubles).toEqual([]);
  rmSync(join(directory, 'lock'));
  await traceChain({ name: 'main', links: [] }, 'V', () => {});
  await eventually('it is told', () => {
    const troubles = service.readiness().details.troubles as readonly string[];
    return troubles.some((told) => told.startsWith('the lock of the ledger was removed')) || undefined;
  });
});
