import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { Past, PastError } from '../../src/page/past/past.ts';

function past(): Past {
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-past-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'journal.db');
  return new Past({ type: 'sqlite', path, retention: 60_000, max_size: 1e6, on_full: 'block' }, systemClock);
}

test('whoever asks when it was closed, or while it is, has a sentence and starts nothing', async () => {
  const reading = past();
  const asked = reading.ask('places', {});
  await Promise.all([expect(asked).rejects.toThrow(PastError), reading.close()]);
  await expect(reading.ask('places', {})).rejects.toThrow('the service is ending');
  await reading.close();
});
