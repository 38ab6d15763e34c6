import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type JaegerSpan, type JaegerTrace, tagOf } from './jaeger-api.ts';
import { presentPrograms } from './present.ts';
import { type Stack, startStack } from './stack.ts';

const RECORDING = join(import.meta.dirname, '../fixtures/healed');
const RUNS = 14;
const FAILED = 9;

/** What a person sees in Jaeger of a Python conserver whose failed chains are ended by the file inside it. */
describe('a healed Python conserver in Jaeger', () => {
  let stack: Stack;
  let traces: JaegerTrace[];

  beforeAll(async () => {
    stack = await startStack(await presentPrograms());
    for (const file of readdirSync(RECORDING).filter((name) => name.endsWith('.bin')))
      await post(stack.otlp, readFileSync(join(RECORDING, file)));
    traces = await eventually(
      'every run is shown',
      async () => {
        const shown = (await stack.jaeger.traces('conserver')).filter(
          ({ spans }) => chainsOf(spans).length > 0,
        );
        return shown.length >= RUNS ? shown : undefined;
      },
      90_000,
    );
  });
  afterAll(() => stack?.stop());

  test('each run is a trace of its own, whose root is its chain', () => {
    expect(traces).toHaveLength(RUNS);
    for (const { spans, warnings } of traces) {
      expect(warnings ?? []).toEqual([]);
      expect(chainsOf(spans)).toHaveLength(1);
      expect(chainsOf(spans)[0]?.references.filter(({ refType }) => refType === 'CHILD_OF')).toEqual([]);
    }
  });

  test('those that failed are red and say why, and the others how they ended', () => {
    const chains = traces.flatMap(({ spans }) => chainsOf(spans));
    const red = chains.filter((span) => tagOf(span, 'error') === true);
    expect(red).toHaveLength(FAILED);
    for (const span of red) {
      expect(tagOf(span, 'error.type')).toBe('tried.TriedError');
      expect(tagOf(span, 'vcon.chain.outcome')).toBe('error');
    }
    const outcomes = chains
      .filter((span) => !red.includes(span))
      .map((span) => tagOf(span, 'vcon.chain.outcome'));
    expect(outcomes.toSorted()).toEqual(['complete', 'complete', 'complete', 'halted', 'halted']);
  });

  test('a chain lasts as long as its steps do', () => {
    for (const { spans } of traces) {
      const [chain] = chainsOf(spans);
      const steps = spans.filter(({ operationName }) => /^(link|storage)\./.test(operationName));
      expect(steps.length).toBeGreaterThan(0);
      const last = Math.max(...steps.map(endOf));
      expect(chain && endOf(chain)).toBeGreaterThanOrEqual(last);
      expect(chain && endOf(chain) - last).toBeLessThan(1_000_000);
    }
  });
});

function chainsOf(spans: readonly JaegerSpan[]): JaegerSpan[] {
  return spans.filter(({ operationName }) => operationName.startsWith('vcon_processing.'));
}

/** In microseconds. */
function endOf({ startTime, duration }: JaegerSpan): number {
  return startTime + duration;
}

async function post(otlp: string, body: Buffer): Promise<void> {
  const response = await fetch(`${otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: new Uint8Array(body),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`the Collector answered ${response.status}`);
}
