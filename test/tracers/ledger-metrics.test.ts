import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openLedger } from '../../src/ledger/index.ts';
import { measureLedger } from '../../src/tracers/compliance/ledger-metrics.ts';
import { startMeters } from '../exporters/collected.ts';
import { entries, newSigner, settingsFor } from '../ledger/written-ledger.ts';

test('a ledger tells its records, and those that its newest checkpoint covers, also when it is opened again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-ledger-metrics-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { meterProvider, collect, stop } = startMeters();
  onTestFinished(stop);
  const values = async () =>
    Object.fromEntries(
      (await collect()).map(({ descriptor, dataPoints }) => {
        for (const { attributes } of dataPoints) expect(attributes).toEqual({ 'vcon.tracer.name': 'audit' });
        return [descriptor.name, dataPoints[0]?.value];
      }),
    );
  const settings = settingsFor(folder, newSigner());
  const [entry] = entries(1);
  if (!entry) throw new Error('no record');

  const ledger = openLedger(settings);
  const release = measureLedger(ledger, 'audit', meterProvider);
  await ledger.append(entry);
  expect(await values()).toEqual({
    'vcon.ledger.records': 1,
    'vcon.ledger.checkpoint_records': 0,
    'vcon.ledger.fault': 0,
  });
  release();
  await ledger.close();

  const again = openLedger(settings);
  onTestFinished(() => again.close());
  measureLedger(again, 'audit', meterProvider);
  expect(await values()).toEqual({
    'vcon.ledger.records': 1,
    'vcon.ledger.checkpoint_records': 1,
    'vcon.ledger.fault': 0,
    'vcon.ledger.checkpoint_age': expect.toSatisfy((age) => age >= 0 && age < 60),
  });
});
