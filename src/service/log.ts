import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { destination, type Logger, pino } from 'pino';
import { errorType } from '../model/error.ts';

/** Milliseconds in which the same line of the SDK is written once. */
const REPEAT_INTERVAL = 60_000;
const MAX_REMEMBERED = 1_000;

/**
 * The service's log: JSON lines on stderr. OpenTelemetry's diagnostics, through which all other parts of this
 * package speak, end here too.
 */
export function createLog(level: string): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination({ dest: 2, sync: true }),
  );
}

/** Sends OpenTelemetry's diagnostics to a log, in place of whatever took them before. */
export function sendDiagnosticsTo(log: Logger): void {
  const logLevel = log.isLevelEnabled('debug') ? DiagLogLevel.ALL : DiagLogLevel.INFO;
  diag.setLogger(diagnosticsLogger(log), { logLevel, suppressOverrideMessage: true });
}

/** Our own messages are written as they are. The SDK's can quote URLs and answers of servers, which are taken out. */
export function diagnosticsLogger(log: Logger): DiagLogger {
  const said = new Map<string, number>();
  const write =
    (level: 'error' | 'warn' | 'info' | 'debug' | 'trace') =>
    (message: string, ...details: unknown[]): void => {
      if (typeof message === 'string' && message.startsWith('vcon-otel/')) {
        const [text, fields] = details;
        log[level]({ component: message, ...(isRecord(fields) ? fields : {}) }, String(text));
        return;
      }
      const text = withoutQuotes(message);
      const now = performance.now();
      if (now < (said.get(text) ?? 0)) return;
      if (said.size >= MAX_REMEMBERED) said.clear();
      said.set(text, now + REPEAT_INTERVAL);
      log[level]({ component: 'opentelemetry' }, text);
    };
  return {
    error: write('error'),
    warn: write('warn'),
    // What the SDK has to say of its own doings is of no use to an operator.
    info: write('debug'),
    debug: write('trace'),
    verbose: write('trace'),
  };
}

function withoutQuotes(message: unknown): string {
  if (typeof message !== 'string') return `exception ${errorType(message)}`;
  const text = exceptionType(message) ?? message;
  return text
    .replaceAll(/[a-z][a-z0-9+.-]*:\/\/\S+/gi, '[url]')
    .replaceAll(/"[^"]*"|'[^']*'|`[^`]*`|\{[\s\S]*\}/g, '[…]')
    .replaceAll(/[\d+][\d ().-]{5,}/g, '[number]')
    .slice(0, 200);
}

/** How the SDK's metric reader begins, before it quotes the error. */
const METRICS_FAILED = 'PeriodicExportingMetricReader: metrics export failed';

/** The SDK reports exceptions as JSON with message and stack. */
function exceptionType(message: string): string | undefined {
  if (!message.startsWith('{')) return undefined;
  try {
    const { name, code, message: text } = JSON.parse(message) as Record<string, unknown>;
    if (String(text).startsWith(METRICS_FAILED)) return METRICS_FAILED;
    return ['exception', name, code]
      .filter((part) => typeof part === 'string' && /^\w+$/.test(part))
      .join(' ');
  } catch {
    return 'exception';
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Error);
}
