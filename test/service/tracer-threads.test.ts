import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type ConfigInput, parseConfig } from '../../src/config/load-config.ts';
import { traceChain } from '../../src/index.ts';
import { startService } from '../../src/service/service.ts';
import { PATIENCE } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MOODY = join(import.meta.dirname, '../isolation/moody-tracer.ts');

function heardIn(folder: string) {
  const file = join(folder, 'heard');
  writeFileSync(file, '');
  const lines = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"context"'))
      .map((line) => JSON.parse(line).context);
  return { file, lines };
}

async function start(tracers: NonNullable<ConfigInput['tracers']>) {
  const service = await startService(parseConfig({ log_level: 'error', tracers }, {}));
  onTestFinished(() => service.shutdown());
  return service;
}

const chain = (uuid: string) => traceChain({ name: 'main', links: [] }, uuid, () => {});

test('a tracer that leaves loses its thread alone, and hears what comes later when it is back', async () => {
  const folder = temporaryFolder();
  const { file, lines } = heardIn(folder);
  const near: string[] = [];
  const service = await start({
    far: { module: MOODY, options: { file }, delivery: { retry: { max_attempts: 1 } } },
    near: { module: { trace: (uuid) => void near.push(uuid) } },
  });
  await chain('leave');
  await vi.waitUntil(() => service.stats().tracers.far?.dead === 2, PATIENCE);
  await chain('after');
  await vi.waitUntil(() => service.stats().tracers.far?.ok === 2, PATIENCE);
  expect(near).toEqual(['leave', 'leave', 'after', 'after']);
  expect(lines().map(({ inVconUuid, phase }) => `${inVconUuid} ${phase}`)).toEqual(
    ['leave', 'after'].flatMap((uuid) => [`${uuid} start`, `${uuid} complete`]),
  );
  const { threads, issues } = service.stats();
  expect(threads.far).toMatchObject({ ends: 2, lastEnd: { reason: 'it ended the thread' } });
  expect(issues.tracer_ended).toBe(2);
  const { ready, details } = service.readiness();
  expect(ready).toBe(true);
  expect(details.troubles).toContainEqual(
    'tracer far: its thread has ended 2 times, at last by itself: it ended the thread',
  );
});

test('a promise that nobody waits for is an issue, and no trouble', async () => {
  const { file } = heardIn(temporaryFolder());
  const service = await start({ far: { module: MOODY, options: { file } } });
  await chain('rejects');
  await vi.waitUntil(() => service.stats().issues.unhandled_rejection === 2, PATIENCE);
  await service.forceFlush();
  expect(service.stats()).toMatchObject({ tracers: { far: { ok: 2 } }, threads: { far: { ends: 0 } } });
  expect(service.readiness().details.troubles).toEqual([]);
});

test('what is handed in, built in, or said to be runs in place', async () => {
  const { file, lines } = heardIn(temporaryFolder());
  const service = await start({
    mine: { module: MOODY, options: { file }, isolation: 'none' },
    ours: { module: 'tracers.audit_log', options: { log_file: join(temporaryFolder(), 'audit') } },
    given: { module: { trace: () => {} } },
  });
  await chain('fine');
  await service.forceFlush();
  expect(lines()).toHaveLength(2);
  expect(service.stats().threads).toEqual({});
});

test('where one tracer cannot be made, the thread of another is shut down', async () => {
  const folder = temporaryFolder();
  const [mine, made, file, broken] = ['mine.mjs', 'made', 'heard', 'broken.mjs'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  writeFileSync(
    mine,
    `import { appendFileSync, writeFileSync } from 'node:fs';
    export default { create() {
      writeFileSync(${JSON.stringify(made)}, '');
      return { trace() {}, shutdown() { appendFileSync(${JSON.stringify(file)}, '"shut down"\\n'); } };
    } };`,
  );
  writeFileSync(
    broken,
    `import { existsSync } from 'node:fs';
    const wait = (time) => new Promise((r) => setTimeout(r, time));
    while (!existsSync(${JSON.stringify(made)})) await wait(20);
    await wait(2_000);
    export default { create() { throw new TypeError("canary") } }`,
  );
  const starting = start({ mine: { module: mine }, broken: { module: broken } });
  await expect(starting).rejects.toMatchObject({ code: 'TRACER_FAILED', path: 'tracers.broken' });
  expect(readFileSync(file, 'utf8')).toBe('"shut down"\n');
});
