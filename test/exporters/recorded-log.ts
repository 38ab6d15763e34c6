import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';

/** Collects what OpenTelemetry and we say through `diag`, as one text for each line. */
export function recordLog(logLevel = DiagLogLevel.WARN) {
  const lines: string[] = [];
  const write = (...parts: unknown[]) => void lines.push(parts.map(String).join(' '));
  const logger: DiagLogger = { error: write, warn: write, info: write, debug: write, verbose: write };
  diag.setLogger(logger, { logLevel, suppressOverrideMessage: true });
  return { lines, stop: () => diag.disable() };
}
