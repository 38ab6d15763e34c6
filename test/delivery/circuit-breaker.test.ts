import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CircuitBreaker, type CircuitState, type Sign } from '../../src/delivery/circuit-breaker.ts';
import { deliveryPolicy } from '../../src/delivery/delivery-policy.ts';
import { systemClock } from '../../src/model/clock.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function breaker(settings: { pause?: number; maxInterval?: number } = {}) {
  const turns: CircuitState[] = [];
  const { pause = 100, maxInterval = 350 } = settings;
  const policy = deliveryPolicy('a', { circuitBreaker: { failures: 3, pause }, retry: { maxInterval } });
  const circuit = new CircuitBreaker(policy, systemClock, (state) => turns.push(state));
  const attempt = (sign: Sign, retryAfter = 0) => circuit.end(circuit.begin(), sign, retryAfter);
  const open = () => {
    for (let i = 0; i < 3; i += 1) attempt('failed');
  };
  return { circuit, turns, attempt, open };
}

describe('a circuit', () => {
  test('opens after so many failures in a row, and not before', () => {
    const { circuit, attempt, turns } = breaker();
    for (const sign of ['failed', 'failed', 'answered', 'failed', 'failed'] as const) attempt(sign);
    expect([circuit.state, circuit.lets]).toEqual(['closed', true]);
    attempt('nothing');
    attempt('failed');
    expect([circuit.state, circuit.lets, turns]).toEqual(['open', false, ['open']]);
  });

  test('lets one attempt through after the pause, and closes if that is answered', () => {
    const { circuit, open, turns } = breaker();
    open();
    vi.advanceTimersByTime(99);
    expect(circuit.lets).toBe(false);
    vi.advanceTimersByTime(1);
    expect([circuit.state, circuit.lets]).toEqual(['half_open', true]);
    const probe = circuit.begin();
    expect(circuit.lets).toBe(false);
    circuit.end(probe, 'answered', 0);
    expect([circuit.lets, turns]).toEqual([true, ['open', 'half_open', 'closed']]);
  });

  test('that lets through an event without a call lets the next one through', () => {
    const { circuit, attempt, open } = breaker();
    open();
    vi.advanceTimersByTime(100);
    attempt('nothing');
    expect([circuit.state, circuit.lets]).toEqual(['half_open', true]);
  });

  test('stays open for twice as long each time the probe fails, up to the longest interval, and forgets it when closed', () => {
    const { circuit, attempt, open } = breaker();
    open();
    for (const pause of [100, 200, 350, 350]) {
      vi.advanceTimersByTime(pause - 1);
      expect(circuit.state).toBe('open');
      vi.advanceTimersByTime(1);
      expect(circuit.state).toBe('half_open');
      attempt('failed');
    }
    vi.advanceTimersByTime(350);
    attempt('answered');
    open();
    vi.advanceTimersByTime(100);
    expect(circuit.state).toBe('half_open');
  });

  test('stays open as long as the tracer asked for, if that is longer', () => {
    const { circuit, attempt, open } = breaker();
    open();
    vi.advanceTimersByTime(100);
    attempt('failed', 5);
    vi.advanceTimersByTime(4_999);
    expect(circuit.state).toBe('open');
    vi.advanceTimersByTime(1);
    expect(circuit.state).toBe('half_open');
  });

  test('does not listen to attempts that began before it turned', () => {
    const { circuit, open } = breaker();
    const [early, late] = [circuit.begin(), circuit.begin()];
    open();
    circuit.end(early, 'answered', 0);
    expect(circuit.state).toBe('open');
    vi.advanceTimersByTime(100);
    circuit.end(late, 'failed', 0);
    expect([circuit.state, circuit.lets]).toEqual(['half_open', true]);
  });

  test('that is stopped stays as it is, and keeps no timer', () => {
    const { circuit, open } = breaker();
    open();
    circuit.stop();
    expect(vi.getTimerCount()).toBe(0);
    const another = breaker();
    another.circuit.stop();
    another.open();
    expect([another.circuit.state, vi.getTimerCount()]).toEqual(['open', 0]);
  });
});
