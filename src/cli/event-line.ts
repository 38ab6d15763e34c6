import type { TracePage } from '../config/trace-page.ts';
import { type ChainEvent, eventName, eventNames } from '../model/event.ts';
import { cleanText, formatDuration, hyperlink, safeJson } from './timeline/index.ts';

const GREEN = 32;
const RED = 31;
const YELLOW = 33;
/** As it ended: what is not known is no success, nor is what does not say it. */
function colourOf({ phase, outcome }: ChainEvent): number | undefined {
  if (phase === 'error') return RED;
  if (phase === 'lost' || outcome === 'unknown') return YELLOW;
  return outcome === undefined ? undefined : GREEN;
}

/** About events that do not make both calls: the link has returned, or its run was over. */
const REMARKS: Readonly<Record<NonNullable<ChainEvent['calls']>, string | undefined>> = {
  trace: undefined,
  run: '(run call)',
  none: '(late)',
};
/** `storage_complete` */
const NAME_WIDTH = Math.max(...eventNames.map((name) => name.length));

/** An event on a line, as people read it; its chain leads to its trace where there is a page of that. */
export function eventLine(event: ChainEvent, colour: boolean, tracePage?: TracePage): string {
  const { chain, link, linkIndex, storage, inVconUuid, outVconUuid } = event;
  const { outcome, errorType, duration, inferred, sender, spanContext } = event;
  const name = eventName(event).padEnd(NAME_WIDTH);
  const code = colour ? colourOf(event) : undefined;
  const step = link === undefined ? storage : `${linkIndex} ${link}`;
  const parts = [
    clock(event.time),
    code === undefined ? name : `\u001b[${code}m${name}\u001b[39m`,
    hyperlink(cleanText(chain), tracePage?.(spanContext.traceId)),
    step === undefined ? undefined : cleanText(step),
    cleanText(inVconUuid === outVconUuid ? inVconUuid : `${inVconUuid} → ${outVconUuid}`),
    outcome,
    errorType === undefined ? undefined : cleanText(errorType),
    duration === undefined ? undefined : formatDuration(duration),
    event.calls && REMARKS[event.calls],
    sender === undefined ? undefined : `sent by ${cleanText(sender)}`,
    inferred.length > 0 ? `(inferred: ${inferred.map(cleanText).join(', ')})` : undefined,
  ];
  return `${parts.filter((part) => part !== undefined).join('  ')}\n`;
}

/** An event as it travels: a JSON object on a line. */
export function eventJson(event: ChainEvent): string {
  const record = {
    event_id: event.eventId,
    event: eventName(event),
    chain: event.chain,
    link: event.link ?? null,
    link_index: event.linkIndex ?? null,
    storage: event.storage ?? null,
    in_vcon_uuid: event.inVconUuid,
    out_vcon_uuid: event.outVconUuid,
    time: new Date(event.time).toISOString(),
    outcome: event.outcome ?? null,
    error_type: event.errorType ?? null,
    duration: event.duration ?? null,
    run_id: event.runId,
    trace_id: event.spanContext.traceId,
    span_id: event.spanContext.spanId,
    sender: event.sender ?? null,
    inferred: event.inferred,
    calls: event.calls ?? null,
  };
  return `${safeJson(record)}\n`;
}

/** Local time. */
function clock(time: number): string {
  const date = new Date(time);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return `${parts.map((part) => String(part).padStart(2, '0')).join(':')}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
