import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { afterEach, describe, expect, test } from 'vitest';
import { SpanBridge, type SpanBridgeSettings } from '../../src/bridge/span-bridge.ts';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';
import { type ChainEvent, eventName } from '../../src/model/event.ts';
import type { Run, RunObserver } from '../../src/model/run.ts';
import { startSdk, type TestSdk } from '../support/sdk.ts';

let sdk: TestSdk | undefined;
afterEach(() => sdk?.shutdown());

/** @param shown what the SDK shows spans to, for the bridge */
function start(
  settings: Partial<SpanBridgeSettings> = {},
  shown: (bridge: SpanBridge) => SpanProcessor = (bridge) => bridge,
) {
  const events: ChainEvent[] = [];
  const abandoned: string[] = [];
  const issues: string[] = [];
  const bridge = new SpanBridge({
    sink: {
      accept: (event) => void events.push(event),
      abandon: (runId) => void abandoned.push(runId),
      isAwaited: () => false,
      delivered: async () => {},
      durable: async () => {},
      full: false,
      room: async () => {},
    },
    issue: (kind) => void issues.push(kind),
    maxOpenRuns: 10,
    ...settings,
  });
  sdk = startSdk([shown(bridge)]);
  return { bridge, events, abandoned, issues };
}

/** Writes down what it is shown, as it is at that moment. */
function observer() {
  const seen: string[] = [];
  const about = ({ chain, phase, outcome, steps }: Run) =>
    [chain, phase, outcome, `${steps.length} steps`].join(' ');
  const observe: RunObserver = {
    began: (run) => void seen.push(`began ${about(run)}`),
    stepEnded: (run, step) => void seen.push(`${step.stage} ${step.name} ${step.outcome} of ${about(run)}`),
    ended: (run) => void seen.push(`ended ${about(run)}`),
    abandoned: (run) => void seen.push(`abandoned ${about(run)}`),
  };
  return { seen, observe };
}

const scripted = () =>
  traceChain({ name: 'main', links: ['a'] }, 'V', async (run) => {
    await run.link('a', () => 'N');
    await run.storage({ name: 's' }, () => {
      throw new RangeError('full');
    });
  });

describe('observers of runs', () => {
  test('see a run begin, its steps end, and the run end', async () => {
    const { seen, observe } = observer();
    start({ observers: [observe], keepsSteps: true });
    await scripted();
    expect(seen).toEqual([
      'began main start  0 steps',
      'link a success of main start  1 steps',
      'storage s error of main start  2 steps',
      'ended main complete complete 2 steps',
    ]);
  });

  test('see steps one by one where nobody wants them to be kept', async () => {
    const { seen, observe } = observer();
    start({ observers: [observe] });
    await scripted();
    expect(seen.at(-1)).toBe('ended main complete complete 0 steps');
  });

  test('are shown what a run was given up for, and nothing more of it', async () => {
    const { seen, observe } = observer();
    const { abandoned, issues, bridge } = start({ observers: [observe], maxOpenRuns: 1 });
    const gate = Promise.withResolvers<void>();
    const open = ['one', 'two'].map((name) => traceChain({ name, links: [] }, 'V', () => gate.promise));
    expect(seen).toEqual([
      'began one start  0 steps',
      'abandoned one start  0 steps',
      'began two start  0 steps',
    ]);
    expect([abandoned.length, issues]).toEqual([1, ['evicted_run']]);
    await bridge.shutdown();
    gate.resolve();
    await Promise.all(open);
    expect(seen.slice(3)).toEqual(['abandoned two start  0 steps']);
  });

  test('may throw: it is counted, and neither the chain nor another observer notices', async () => {
    const { seen, observe } = observer();
    const fail = () => {
      throw new TypeError('on purpose');
    };
    const broken: RunObserver = { began: fail, stepEnded: fail, ended: fail, abandoned: fail };
    const { events, issues } = start({ observers: [broken, observe] });
    await scripted();
    expect(seen).toHaveLength(4);
    expect(issues).toEqual(Array(4).fill('internal_error'));
    expect(events.map(eventName)).toEqual([
      'chain_start',
      'link_start',
      'link_complete',
      'storage_start',
      'storage_error',
      'chain_complete',
    ]);
  });
});

test('a chain span that is shown twice is one run', async () => {
  const { events, issues } = start({}, (bridge) => ({
    onStart: (span) => {
      bridge.onStart(span);
      if (isChain(span)) bridge.onStart(span);
    },
    onEnd: (span) => {
      bridge.onEnd(span);
      if (isChain(span)) bridge.onEnd(span);
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  }));
  await scripted();
  expect(events).toHaveLength(6);
  expect(issues).toEqual(['repeated_event']);
});

function isChain({ name }: ReadableSpan): boolean {
  return name.startsWith('vcon_processing.');
}
