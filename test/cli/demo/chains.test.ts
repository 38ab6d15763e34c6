import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DemoChains, demoChains } from '../../../src/cli/demo/chains.ts';
import { runChain } from '../../../src/instrumentation/run-chain.ts';
import { ATTR } from '../../../src/model/semconv.ts';
import { memoryVconStore } from '../../../src/vcon-store/memory.ts';
import { startSdk, type TestSdk } from '../../support/sdk.ts';
import { shipped, shippedText } from './shipped.ts';

let directory: string;
let demo: DemoChains;
let sdk: TestSdk;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vcon-otel-demo-'));
  demo = demoChains({ directory });
  sdk = startSdk([]);
});
afterAll(async () => {
  await sdk.shutdown();
  demo.close();
  await rm(directory, { recursive: true });
});

const vcons = memoryVconStore();

/** Takes a vCon through the chains and tells how each of them ended. */
async function journeyOf(uuid: string, text: string): Promise<string[]> {
  const before = sdk.spans().length;
  await vcons.write(uuid, text);
  await vcons.push('inbox', uuid);
  for (const { chain, ingressList } of demo.chains)
    for (let vcon = await vcons.pop(ingressList); vcon; vcon = await vcons.pop(ingressList))
      await runChain(chain, vcon, { vcons, queue: vcons, ingressList });
  const spans = sdk.spans().slice(before);
  return spans.filter(({ attributes }) => ATTR.chainOutcome in attributes).map((root) => told(root, spans));
}

function told(root: ReadableSpan, spans: readonly ReadableSpan[]): string {
  const { attributes } = root;
  const failed = spans
    .filter((span) => span.parentSpanContext?.spanId === root.spanContext().spanId)
    .filter((span) => ATTR.errorType in span.attributes)
    .map(({ name }) => `, ${name} failed`);
  const changed = attributes[ATTR.vconUuid] === attributes[ATTR.vconOutUuid] ? '' : ', new uuid';
  return `${attributes[ATTR.chainName]} ${attributes[ATTR.chainOutcome]}${changed}${failed.join('')}`;
}

const HAPPY = ['intake complete', 'screening complete', 'delivery complete'];
const REDACTED = ['intake complete', 'screening complete, new uuid', 'delivery complete'];
const HALTED = ['intake complete', 'screening halted'];

const JOURNEYS: Readonly<Record<string, readonly string[]>> = {
  'billing-call-en': REDACTED,
  'claim-emails-fr': HAPPY,
  'clinic-callback-de': REDACTED,
  'council-meeting-en': HAPPY,
  'delivery-sms-pl': HAPPY,
  'hotel-chat-ja': REDACTED,
  'oral-history-audio-es': [
    'intake complete',
    'screening complete, storage.warehouse failed',
    'delivery complete, storage.warehouse failed',
  ],
  'order-chat-ar': HAPPY,
  'outage-emails-en': HAPPY,
  'prize-sms-pt': HALTED,
  'sealed-advice-chat': ['intake error, link.transcript_statistics failed'],
  'signed-lease-call-nl': ['intake complete, new uuid', 'screening complete', 'delivery complete'],
  'test-call-en': HALTED,
  'voicemail-it': HALTED,
};

test('every shipped vCon has a journey told here', () => {
  expect([...shipped.keys()]).toEqual(Object.keys(JOURNEYS));
});

test.each(Object.entries(JOURNEYS))('%s: %j', async (name, journey) => {
  expect(await journeyOf(`journey-of-${name}`, shippedText(name))).toEqual(journey);
});

test('the encrypted vCon is among the dead letters, and no list is left full', async () => {
  expect(vcons.length('DLQ:inbox')).toBe(1);
  for (const list of ['inbox', 'screening', 'delivery']) expect(vcons.length(list)).toBe(0);
});

test('the archive has the vCon that the warehouse refused', async () => {
  expect(await readdir(demo.archive)).toContain('journey-of-oral-history-audio-es.vcon.json');
});
