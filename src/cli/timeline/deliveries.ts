import { styleText } from 'node:util';
import { formatDuration } from './format-duration.ts';
import { cleanText, displayWidth } from './terminal-text.ts';

/** The state of an event at a tracer. `waiting`: not tried yet; `retry` and `queued`: will be tried again. */
export type EventAtTracer = 'ok' | 'dead' | 'skipped' | 'dropped' | 'waiting' | 'retry' | 'queued';

/** One event of a run at one tracer. */
export interface RunDelivery {
  readonly tracer: string;
  readonly eventId: string;
  /** What happened, for a person: `link_complete tag`. */
  readonly event: string;
  readonly outcome: EventAtTracer;
  readonly attempts: number;
  /** Seconds from the event to the end of its delivery; undefined if it has not ended. */
  readonly latency: number | undefined;
  /** Seconds that the last attempt took. */
  readonly duration: number | undefined;
  readonly errorType: string | undefined;
}

/** A delivery as printed in JSON: in snake case, null for what is not known. */
export function deliveryRecord(delivery: RunDelivery): Record<string, unknown> {
  const { tracer, eventId, outcome, attempts, latency, duration, errorType } = delivery;
  return {
    event_id: eventId,
    tracer,
    outcome,
    attempts,
    latency: latency ?? null,
    duration: duration ?? null,
    error_type: errorType ?? null,
  };
}

/** How many dead letters of a tracer are drawn one by one. */
const MAX_DRAWN = 5;

/**
 * Draws what each tracer has heard of a run. No line break at the end; empty if no tracer hears it.
 * ```
 *   tracers
 *   ✓ audit   8 of 8 delivered  median 3.1 ms, max 14 ms
 *   ✗ jlinc   3 of 8 delivered, 2 more attempts  median 42 ms, max 1.02 s
 *       4 waiting, from link_start tag on; after 3 attempts: ECONNREFUSED
 *       dead: link_error tag after 5 attempts, HTTP_400
 * ```
 */
export function renderDeliveries(deliveries: readonly RunDelivery[], colour: boolean): string {
  const tracers = [...Map.groupBy(deliveries, ({ tracer }) => tracer)];
  if (tracers.length === 0) return '';
  const paint = (style: Style, text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const width = Math.max(...tracers.map(([name]) => displayWidth(cleanText(name))));
  return ['  tracers', ...tracers.flatMap(([name, heard]) => tracerLines(name, heard, width, paint))].join(
    '\n',
  );
}

type Style = Parameters<typeof styleText>[0];

function tracerLines(
  tracer: string,
  deliveries: readonly RunDelivery[],
  width: number,
  paint: (style: Style, text: string) => string,
): string[] {
  const of = (...outcomes: readonly EventAtTracer[]) =>
    deliveries.filter(({ outcome }) => outcomes.includes(outcome));
  const delivered = of('ok');
  const waiting = of('waiting', 'retry', 'queued');
  const dead = of('dead');
  const skipped = of('skipped').length;
  const dropped = of('dropped').length;
  const look: { mark: string; style: Style } =
    dead.length + dropped > 0
      ? { mark: '✗', style: 'red' }
      : waiting.length > 0
        ? { mark: '…', style: 'yellow' }
        : { mark: '✓', style: 'green' };
  const name = cleanText(tracer);
  const more = deliveries.reduce((sum, { attempts }) => sum + Math.max(0, attempts - 1), 0);
  const counts = [
    `${delivered.length} of ${deliveries.length - skipped} delivered`,
    ...(more > 0 ? [`${more} more ${more === 1 ? 'attempt' : 'attempts'}`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(dropped > 0 ? [`${dropped} dropped`] : []),
  ].join(', ');
  const head = `  ${paint(look.style, look.mark)} ${name}${' '.repeat(width - displayWidth(name))}  ${counts}`;
  return [
    `${head}${latencyOf(delivered)}`,
    ...waitingLines(waiting).map((line) => `      ${paint('yellow', line)}`),
    ...deadLines(dead).map((line) => `      ${paint('red', line)}`),
  ];
}

function latencyOf(delivered: readonly RunDelivery[]): string {
  const sorted = delivered.flatMap(({ latency }) => latency ?? []).sort((a, b) => a - b);
  const max = sorted.at(-1);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  if (median === undefined || max === undefined) return '';
  return `  median ${formatDuration(median)}, max ${formatDuration(max)}`;
}

function waitingLines(waiting: readonly RunDelivery[]): string[] {
  const [first] = waiting;
  if (!first) return [];
  const tried = waiting.find(({ attempts }) => attempts > 0);
  const why = tried ? `; ${after(tried)}` : '';
  return [`${waiting.length} waiting, from ${cleanText(first.event)} on${why}`];
}

function deadLines(dead: readonly RunDelivery[]): string[] {
  const lines = dead
    .slice(0, MAX_DRAWN)
    .map((letter) => `dead: ${cleanText(letter.event)}, ${after(letter)}`);
  return dead.length > MAX_DRAWN ? [...lines, `and ${dead.length - MAX_DRAWN} more`] : lines;
}

function after({ attempts, errorType }: RunDelivery): string {
  const reason = cleanText(errorType ?? 'unknown reason');
  return `${reason} after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
}
