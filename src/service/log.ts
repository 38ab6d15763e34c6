import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { errorType } from '../model/error.ts';
import { LogThrottle } from '../model/log-throttle.ts';

/**
 * The service's log on stderr: JSON lines, or on a terminal lines for a person. OpenTelemetry's diagnostics, through which all other
 * parts of this package speak, end here too.
 */
export async function createLog(level: string, isTerminal = process.stderr.isTTY): Promise<Logger> {
  const settings = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const stderr = destination({ dest: 2, sync: true });
  return pino(settings, isTerminal ? await readable(stderr) : stderr);
}

/** Writes JSON lines as lines for a person. Loaded only where there is one. */
export async function readable(to: DestinationStream, colorize = true): Promise<DestinationStream> {
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({
    colorize,
    ignore: 'component',
    messageFormat: '{if component}{component}: {end}{msg}',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  });
  return { write: (line) => to.write(pretty(withoutControls(line))) };
}

/** What a name from elsewhere might do to a terminal: escapes of a JSON line, and what JSON does not escape. */
function withoutControls(line: string): string {
  return line
    .replaceAll(/\\(?:u00[01][0-9a-f]|[\\bfnrt])/g, (found) => (found === '\\\\' ? found : ' '))
    .replaceAll(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, ' ');
}

/** Sends OpenTelemetry's diagnostics to a log, in place of whatever took them before. */
export function sendDiagnosticsTo(log: Logger): void {
  const logLevel = log.isLevelEnabled('debug') ? DiagLogLevel.ALL : DiagLogLevel.INFO;
  diag.setLogger(diagnosticsLogger(log), { logLevel, suppressOverrideMessage: true });
}

/** Our own messages are written as they are. The SDK's can quote URLs and answers of servers, which are taken out. */
export function diagnosticsLogger(log: Logger): DiagLogger {
  const throttle = new LogThrottle();
  const write =
    (level: 'error' | 'warn' | 'info' | 'debug' | 'trace') =>
    (message: string, ...details: unknown[]): void => {
      if (typeof message === 'string' && message.startsWith('vcon-otel/')) {
        const [text, fields] = details;
        log[level]({ component: message, ...(isRecord(fields) ? fields : {}) }, String(text));
        return;
      }
      const text = withoutQuotes(message);
      if (throttle.take(text) > 0) log[level]({ component: 'opentelemetry' }, text);
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
