import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import type { ChainEvent, Phase } from '../../src/model/event.ts';

export const VCON = '018f3c2a-7b1e-8c44-9d52-0123456789ab';
export const OTHER_VCON = '018f3c2a-7b1e-8c44-9d52-ba9876543210';
/** When runs begin, unless a test says otherwise. */
export const NOON = Date.parse('2026-01-31T12:00:00Z');

export interface RunShape {
  /** 16 hexadecimal digits, or fewer to be filled up. */
  readonly id: string;
  readonly at?: number;
  readonly vcon?: string;
  /** What leaves the link. */
  readonly out?: string;
  /** The run goes no further than this many events. */
  readonly upTo?: number;
  readonly fails?: true;
}

/**
 * The four events of a run of the chain `main` with one link `tag`: the chain starts, the link runs from 10 ms to 40 ms,
 * the chain ends at 100 ms.
 */
export function runEvents({
  id,
  at = NOON,
  vcon = VCON,
  out = vcon,
  upTo = 4,
  fails,
}: RunShape): ChainEvent[] {
  const runId = id.padEnd(16, '0');
  const end: Phase = fails ? 'error' : 'complete';
  const event = (key: string, phase: Phase, time: number, rest: Partial<ChainEvent>): ChainEvent => ({
    eventId: `${runId}/${key}/${phase}`,
    runId,
    stage: 'chain',
    phase,
    chain: 'main',
    links: ['tag'],
    link: undefined,
    linkIndex: undefined,
    storage: undefined,
    inVconUuid: vcon,
    outVconUuid: vcon,
    outcome: undefined,
    errorType: undefined,
    time,
    duration: undefined,
    spanContext: { traceId: runId.repeat(2), spanId: runId, traceFlags: 1 },
    vconSha256: undefined,
    inferred: [],
    ...rest,
  });
  const link: Partial<ChainEvent> = { stage: 'link', link: 'tag', linkIndex: 0 };
  const failed: Partial<ChainEvent> = { outcome: 'error', errorType: 'ECONNREFUSED' };
  const linkEnd: Partial<ChainEvent> = fails ? failed : { outcome: 'success', outVconUuid: out };
  const chainEnd: Partial<ChainEvent> = fails ? failed : { outcome: 'complete', outVconUuid: out };
  return [
    event('chain', 'start', at, {}),
    event('link/0', 'start', at + 10, link),
    event('link/0', end, at + 40, { ...link, duration: 0.03, ...linkEnd }),
    event('chain', end, at + 100, { duration: 0.1, ...chainEnd }),
  ].slice(0, upTo);
}

/** A folder that is gone with the test. */
export function journalFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'vcon-otel-journal-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A service's journal, closed with the test at the latest. */
export async function openJournal(path: string): Promise<Journal> {
  const journal = await sqliteJournal({ path, retention: 1e13 });
  onTestFinished(() => journal.close());
  return journal;
}
