import { ok } from 'node:assert/strict';
import { isSecretName } from '../config/redact.ts';
import { errorType } from '../model/error.ts';
import type { Options, TracerModule } from '../model/tracer.ts';
import type { VconStore } from '../model/vcon.ts';
import { batchesOf, bind, scriptedEvents } from './direct-calls.ts';
import { overhear } from './overheard.ts';

/** A mark in every field of the documents, and nowhere else. */
const MARK = 'kanari';

/**
 * Calls a tracer whose vCon store has marked documents, both while the tracer's destination works and while it fails, and
 * looks for marks and secrets in everything that is logged and in every error.
 */
export async function checkSecrecy(
  module: TracerModule,
  options: Options,
  timeout: number,
  outage: { begin(): Promise<unknown>; end(): Promise<unknown> },
): Promise<void> {
  const events = await scriptedEvents(timeout);
  const { lines, stop } = overhear();
  const errors: string[] = [];
  try {
    const tracer = bind(module, options, timeout, markedVcons);
    if (!tracer) return;
    const note = (error: unknown) => errors.push(`${errorType(error)} ${messageOf(error)}`);
    const callAll = () =>
      Promise.all([
        ...events.map((event) => tracer.call(event).catch(note)),
        ...batchesOf(events).map((batch) => tracer.callTogether(batch).catch(note)),
      ]);
    await callAll();
    await outage.begin();
    await callAll();
    await outage.end();
    await tracer.shutdown();
  } finally {
    stop();
  }
  const found = [MARK, ...secretsOf(options)];
  const hides = (text: string) => !found.some((secret) => text.includes(secret));
  ok(lines.every(hides), 'a log line quotes a document or a secret');
  ok(errors.every(hides), 'an error quotes a document or a secret');
}

const markedVcons: VconStore = {
  read: async (uuid) =>
    JSON.stringify({
      vcon: '0.0.2',
      uuid,
      subject: MARK,
      parties: [{ tel: `+1555${MARK}`, name: MARK, mailto: `${MARK}@example.com` }],
      dialog: [{ type: 'text', body: MARK, filename: MARK }],
      analysis: [{ type: MARK, vendor: MARK, body: MARK }],
      attachments: [{ type: MARK, body: MARK }],
    }),
  write: async () => undefined,
  close: async () => undefined,
};

/** Shorter ones would be found in anything. */
function secretsOf(options: Options): string[] {
  return Object.entries(options).flatMap(([key, value]) =>
    isSecretName(key) && typeof value === 'string' && value.length > 5 ? [value] : [],
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
