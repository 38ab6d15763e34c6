import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { EventContext } from 'vcon-otel';
import { memoryVconStore } from 'vcon-otel/vcon-store';
import failSafeTracer from './fail-safe-tracer.ts';

const UUID = '018f0000-0000-8000-8000-000000000001';
// As much of the event as the tracer looks at.
const context = { eventId: 'run/chain/start' } as EventContext;

/** A tracer as it is made of a configuration, defaults and all. */
function make(options: object) {
  const checked = failSafeTracer.options?.parse(options);
  if (!checked) throw new Error('it has no options');
  const made = failSafeTracer.create(checked, { name: 'mine', vcons: memoryVconStore() });
  if (!('trace' in made)) throw new Error('it has no trace');
  return made;
}

test('an event is a line of JSON in the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fail-safe-'));
  const file = join(folder, 'events.jsonl');
  await make({ file, fallback: join(folder, 'other') }).trace?.(UUID, 'chain_start', {}, context);
  const line = JSON.parse(await readFile(file, 'utf8'));
  assert.deepEqual(line, { eventId: 'run/chain/start', event: 'chain_start', vconUuid: UUID });
  await rm(folder, { recursive: true });
});

test('a file that cannot be written is no error for the caller', async () => {
  const nowhere = '/dev/null/events.jsonl';
  await make({ file: nowhere, fallback: nowhere }).trace?.(UUID, 'chain_start', {}, context);
});
