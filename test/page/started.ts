import { join } from 'node:path';
import { afterEach, beforeEach, onTestFinished, vi } from 'vitest';
import { type ConfigInput, parseConfig } from '../../src/config/load-config.ts';
import { traceChain } from '../../src/index.ts';
import { startService } from '../../src/service/service.ts';
import type { Service } from '../../src/service/tracing.ts';
import { PATIENCE } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

export const UUID = '0191e5a0-7c4f-8f6e-8b6a-3c1d2e4f5a6b';
export const TOKEN = 'a-long-and-secret-token';

export const soon = (look: () => void | Promise<void>) => vi.waitFor(look, PATIENCE);

/** A service with a page, until the test is over. */
export async function start(
  config: ConfigInput = {},
  admin: NonNullable<ConfigInput['admin']> = {},
): Promise<Service & { readonly adminUrl: string }> {
  const service = await startService(
    parseConfig({ log_level: 'error', ...config, admin: { port: 0, ...admin } }, {}),
  );
  onTestFinished(() => service.shutdown());
  const { adminUrl = '' } = service;
  return { ...service, adminUrl };
}

/** A journal in a file, and a tracer. */
export function kept(): ConfigInput {
  const path = temporaryFolder();
  const log_file = join(path, 'audit.jsonl');
  return {
    journal: { type: 'sqlite', path: join(path, 'journal.db') },
    tracers: { audit: { module: 'tracers.audit_log', options: { log_file } } },
  };
}

/** A tracer that keeps a ledger and signs each record at once. */
export function ledgerTracer(directory: string, more: Readonly<Record<string, unknown>> = {}) {
  return {
    module: 'tracers.compliance',
    options: { directory, include_content_hash: false, checkpoint: { every: 1, interval: '1s' }, ...more },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a page reads it without types.
export async function get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<any> {
  return (await fetch(url, { headers })).json();
}

/** Posts JSON, as the page does. */
export async function post(url: string, body: object, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  return { status: response.status, body: (await response.json()) as any };
}

/** A run that goes on until it is told to end. */
export function openRun(name = 'intake') {
  const end = Promise.withResolvers<void>();
  const ended = traceChain({ name, links: ['tag'] }, UUID, async (run) => {
    await run.link('tag', () => end.promise.then(() => UUID));
  });
  return {
    end: async () => {
      end.resolve();
      await ended;
    },
  };
}
