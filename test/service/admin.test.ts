import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { type ConfigInput, loadConfig, parseConfig } from '../../src/config/load-config.ts';
import { traceChain } from '../../src/index.ts';
import { defineVconStore } from '../../src/model/vcon-store.ts';
import { startService } from '../../src/service/service.ts';
import type { Service } from '../../src/service/tracing.ts';
import { freePort } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

async function start(config: ConfigInput, health = true): Promise<Service> {
  const service = await startService(parseConfig({ log_level: 'error', ...config }, {}), { health });
  onTestFinished(() => service.shutdown());
  return service;
}

const text = async (url: string) => (await fetch(url)).text();
const status = async (url: string) => (await fetch(url)).status;

test('one server has the health, the readiness and the metrics', async () => {
  const service = await start({ admin: { port: 0 } });
  const { adminUrl = '' } = service;
  await traceChain({ name: 'main', links: [] }, 'uuid', () => {});
  await service.forceFlush();
  expect(JSON.parse(await text(`${adminUrl}/healthz`))).toEqual({ status: 'ok' });
  expect(JSON.parse(await text(`${adminUrl}/readyz`))).toMatchObject({ status: 'ready', events: 2 });
  expect(await text(`${adminUrl}/metrics`)).toMatch(/^vcon_chain_duration_seconds_count\{[^}]*\} 1$/m);
  expect(service.prometheusUrl).toBe(`${adminUrl}/metrics`);
  expect(service.healthUrl).toBeUndefined();
  await service.shutdown();
  await expect(fetch(`${adminUrl}/healthz`)).rejects.toThrow();
});

test('health and exporters.prometheus have servers of their own beside it, with what they had', async () => {
  const service = await start({
    admin: { port: 0 },
    health: { port: 0 },
    exporters: { prometheus: { port: 0 } },
  });
  const { adminUrl = '', healthUrl = '', prometheusUrl = '' } = service;
  expect(new Set([adminUrl, healthUrl, prometheusUrl]).size).toBe(3);
  expect(await status(`${healthUrl}/readyz`)).toBe(200);
  expect(await status(`${healthUrl}/metrics`)).toBe(404);
  expect(await status(prometheusUrl)).toBe(200);
  expect(await status(prometheusUrl.replace('/metrics', '/healthz'))).toBe(404);
  const families = async (url: string) => (await text(url)).match(/^# TYPE .*$/gm)?.sort();
  expect(await families(`${adminUrl}/metrics`)).toEqual(await families(prometheusUrl));
});

test('health where the admin server is, is the same server', async () => {
  const port = await freePort();
  const service = await start({ admin: { port }, health: { port } });
  expect(service).toMatchObject({ adminUrl: `http://127.0.0.1:${port}`, healthUrl: undefined });
});

test('a program that starts tracing has an admin server if it asks for one, and no health of its own', async () => {
  const service = await start({ admin: { port: 0 }, health: { port: 0 } }, false);
  expect(await status(`${service.adminUrl}/readyz`)).toBe(200);
  expect(service.healthUrl).toBeUndefined();
  await service.shutdown();
  const other = await start({}, false);
  expect(other).toMatchObject({ adminUrl: undefined, healthUrl: undefined, prometheusUrl: undefined });
});

test('it is there before anything else, and says that the service is starting; it says so at the end, too', async () => {
  const port = await freePort();
  const ready = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    return { status: response.status, body: (await response.json()) as { troubles: string[] } };
  };
  const seen: Awaited<ReturnType<typeof ready>>[] = [];
  const look = async () => void seen.push(await ready());
  const slow = defineVconStore({
    create: async () => {
      await look();
      return { read: async () => undefined, write: async () => {}, close: look };
    },
  });
  const service = await start({ admin: { port }, vcon_store: { module: slow } });
  await look();
  await service.shutdown();
  expect(seen).toMatchObject([
    { status: 503, body: { status: 'not ready', troubles: ['it is starting'] } },
    { status: 200, body: { status: 'ready', troubles: [] } },
    { status: 503, body: { status: 'not ready' } },
  ]);
});

test('a port that is taken is said by the key', async () => {
  const port = await freePort();
  const config = { admin: { port }, exporters: { prometheus: { port } } };
  await expect(start(config)).rejects.toMatchObject({ path: 'exporters.prometheus' });
  // What had been started is ended: the port is free again.
  await start({ admin: { port } });
  await expect(startService(parseConfig({}, {}))).rejects.toMatchObject({ code: 'ALREADY_STARTED' });
});

test('a configuration has a health of its own unless it has an admin server', async () => {
  const file = join(temporaryFolder(), 'config.yml');
  const load = async (text: string) => {
    writeFileSync(file, text);
    const { admin, health } = (await loadConfig(file, {})).config;
    return { admin, health };
  };
  const address = { host: '127.0.0.1', port: 4419 };
  expect(await load('')).toEqual({ admin: undefined, health: address });
  const admin = { ...address, page: true, actions: false, trace_urls: {} };
  expect(await load('admin:')).toEqual({ admin, health: undefined });
  expect(await load('admin: { port: 1 }\nhealth: { port: 2 }')).toEqual({
    admin: { ...admin, port: 1 },
    health: { ...address, port: 2 },
  });
});
