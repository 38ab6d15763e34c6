import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './measure.ts';

/** As `statfs(2)` calls it. */
const TMPFS = 0x01021994;
const SYNCS = 200;

/** A folder that is gone when this process ends. */
export function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What it costs here to have 4 KiB at the end of a file on the disk: no journal can be durable faster. */
export function describeDisk(): string {
  const folder = ownFolder();
  const file = openSync(join(folder, 'sync'), 'w');
  const page = Buffer.alloc(4_096, 1);
  const took = Array.from({ length: SYNCS }, () => {
    const began = performance.now();
    writeSync(file, page);
    fdatasyncSync(file);
    return performance.now() - began;
  });
  closeSync(file);
  rmSync(folder, { recursive: true });
  const warning =
    statfsSync(tmpdir()).type === TMPFS ? ', which is memory: set TMPDIR to a folder on a disk' : '';
  return `fdatasync of 4 KiB: ${median(took).toFixed(2)} ms (median of ${SYNCS}) in the temporary folder${warning}`;
}
