import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MeterProvider } from '@opentelemetry/api';
import { residentMemory } from '../model/memory.ts';
import { ATTR, METRIC, SCOPE_NAME } from '../model/semconv.ts';

/**
 * Measures this process under OpenTelemetry's names, whenever metrics are collected.
 * @returns ends that
 */
export function measureProcess(provider: MeterProvider): () => void {
  const meter = provider.getMeter(SCOPE_NAME);
  const { processMemory: memory, processCpu: cpu, eventLoopDelay } = METRIC;
  meter.createObservableUpDownCounter(memory.name, memory).addCallback((result) => {
    const resident = residentMemory();
    if (resident !== undefined) result.observe(resident);
  });
  meter.createObservableCounter(cpu.name, cpu).addCallback((result) => {
    const { user, system } = process.cpuUsage();
    result.observe(user / 1e6, { [ATTR.cpuMode]: 'user' });
    result.observe(system / 1e6, { [ATTR.cpuMode]: 'system' });
  });
  // Its timer keeps no process alive.
  const delay = monitorEventLoopDelay();
  delay.enable();
  meter.createObservableGauge(eventLoopDelay.name, eventLoopDelay).addCallback((result) => {
    result.observe(delay.percentile(99) / 1e9);
    delay.reset();
  });
  return () => delay.disable();
}
