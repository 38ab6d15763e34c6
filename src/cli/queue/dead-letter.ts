import type { JournalEntry } from '../../journal/admin.ts';
import { eventName } from '../../model/event.ts';
import { cleanText, formatDuration } from '../timeline/index.ts';
import { isoTime } from './entry-record.ts';

/** One dead letter, as people read it: a line for each thing that is known. */
export function deadLetterText({
  tracer,
  event,
  attempts,
  since,
  at,
  duration,
  errorType,
}: JournalEntry): string {
  const { inVconUuid, outVconUuid, link, linkIndex, storage, sender } = event;
  const step = link === undefined ? storage : `${linkIndex} ${link}`;
  const rows: readonly (readonly [string, string | number | undefined])[] = [
    ['event', event.eventId],
    ['what', eventName(event)],
    ['chain', event.chain],
    ['step', step],
    ['vCon', inVconUuid === outVconUuid ? inVconUuid : `${inVconUuid} → ${outVconUuid}`],
    ['happened', isoTime(event.time)],
    [
      'outcome',
      [event.outcome, event.errorType].filter((part) => part !== undefined).join(', ') || undefined,
    ],
    ['trace', event.spanContext.traceId],
    ['sender', sender],
    ['tracer', tracer],
    ['attempts', attempts],
    ['first', since === undefined ? undefined : isoTime(since)],
    ['given up', at === undefined ? undefined : isoTime(at)],
    ['last took', duration === undefined ? undefined : formatDuration(duration)],
    ['reason', errorType],
  ];
  return rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(WIDTH)}${cleanText(String(value))}\n`)
    .join('');
}

/** `last took`, and two blanks. */
const WIDTH = 11;
