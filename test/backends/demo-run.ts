import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './command.ts';
import { type RecordedSpan, recordedSpans } from './recorded.ts';

/** What a demo did, by its own account. */
export interface DemoRun {
  readonly runs: { readonly complete: number; readonly halted: number; readonly error: number };
  readonly events: number;
  readonly droppedSpans: number;
  /** As its exporter was handed them. */
  readonly spans: readonly RecordedSpan[];
}

/** Runs the demo's chains to their end, with a Collector beside its files. @param otlp base URL of OTLP/HTTP */
export async function runDemo(otlp: string, args: readonly string[] = []): Promise<DemoRun> {
  const out = mkdtempSync(join(tmpdir(), 'vcon-otel-demo-'));
  const program = join(import.meta.dirname, '../../bin/vcon-otel.js');
  try {
    const { code, stdout, stderr } = await command(
      process.execPath,
      [program, 'demo', '--json', '--out', out, ...args],
      {
        // Spans come a few at a time, as from a program that runs for long.
        env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${otlp}/v1/traces`, OTEL_BSP_SCHEDULE_DELAY: '200' },
      },
    );
    if (code !== 0) throw new Error(`the demo ended with ${code}: ${stderr}`);
    const { runs, events, dropped_spans: droppedSpans } = JSON.parse(stdout);
    return { runs, events, droppedSpans, spans: recordedSpans(join(out, 'traces.otlp.jsonl')) };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
