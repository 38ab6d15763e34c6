import type { LiveState } from '../live/index.ts';

/** Runs under way that a line names. */
const OLDEST = 20;

/**
 * What chains and tracers do, as it travels; null for what is not known:
 * ```
 * { time: "2026-01-31T12:00:00.000Z", service, away: null | "why nothing is heard", running, stalled,
 *   chains: [{ chain, running, per_minute, p50, p99 (seconds), complete, halted, error, unknown (runs of the last ten minutes) }],
 *   tracers: [{ name, circuit, rate (events a second), latency (seconds that an attempt takes), pending, oldest_age (seconds), retrying, dead_letters, ok, retried, dead, dropped, skipped }],
 *   troubles: ["a sentence"],
 *   oldest: [{ id, chain, vcon, start, age (seconds), stalled, step: null | "the last that began", steps: how many began }] }
 * ```
 * `oldest` are the {@link OLDEST} runs that have been under way longest.
 */
export function stateRecord(state: LiveState): Record<string, unknown> {
  const now = state.now();
  const oldest = [...state.open.values()].sort((a, b) => a.start - b.start).slice(0, OLDEST);
  return {
    time: new Date(now).toISOString(),
    service: state.service || null,
    away: state.away ?? null,
    running: state.running,
    stalled: state.stalled,
    chains: state.chains.map(({ past: _, total: [complete, halted, error, unknown], ...chain }) => ({
      ...chain,
      ...{ complete, halted, error, unknown },
    })),
    tracers: state.tracers,
    troubles: state.troubles,
    oldest: oldest.map(({ id, chain, vcon, start, stalled, steps }) => ({
      ...{
        id,
        chain,
        vcon,
        start: new Date(start).toISOString(),
        age: Math.max(0, (now - start) / 1e3),
        stalled,
      },
      ...{ step: steps.at(-1)?.[1] ?? null, steps: steps.length },
    })),
  };
}
