import { type LiveState, tableLines } from '../live/index.ts';
import { cleanText, fitText, formatDuration } from '../timeline/index.ts';
import { type DrawnView, isShown, type ViewSettings } from './view.ts';

type TracerRow = LiveState['tracers'][number];

/** Seconds after which an event that has not been heard is late. */
const LATE = 60;

/** How each tracer keeps up. */
export function tracersView({ state, columns, rows, paint, filter, scroll }: ViewSettings): DrawnView {
  const troubles = state.troubles.map((trouble) =>
    paint('halt', fitText(`▲ ${cleanText(trouble)}`, columns)),
  );
  const tracers = state.tracers.filter(({ name }) => isShown(filter, name));
  if (tracers.length === 0) {
    const none = state.tracers.length > 0 ? 'No such tracer.' : 'There is no tracer here.';
    return { lines: [...troubles, paint('quiet', fitText(none, columns))], most: 0 };
  }
  const room = Math.max(1, rows - troubles.length - 1);
  const most = Math.max(0, tracers.length - room);
  const from = Math.min(scroll, most);
  const number = (title: string, of: (tracer: TracerRow) => number, rank: number, look?: 'bad' | 'halt') => ({
    title,
    text: (tracer: TracerRow) => of(tracer).toLocaleString('en'),
    rank,
    align: 'right' as const,
    ...(look && { paint: (tracer: TracerRow, text: string) => (of(tracer) > 0 ? paint(look, text) : text) }),
  });
  const lines = tableLines<TracerRow>(
    tracers.slice(from, from + room),
    [
      { title: 'tracer', text: ({ name }) => cleanText(name), rank: 0, most: 30 },
      {
        title: 'circuit',
        text: ({ circuit }) => circuit.replace('_', ' '),
        rank: 3,
        paint: ({ circuit }, text) => (circuit === 'closed' ? text : paint('bad', text)),
      },
      { title: 'hears', text: ({ rate }) => `${rate.toLocaleString('en')}/s`, rank: 1, align: 'right' },
      {
        title: 'takes',
        text: ({ latency }) => (latency === null ? '–' : formatDuration(latency)),
        rank: 4,
        align: 'right',
      },
      number('behind', ({ pending }) => pending, 0),
      {
        title: 'oldest',
        text: ({ pending, oldest_age: age }) => (pending === 0 ? '–' : formatDuration(age)),
        rank: 2,
        align: 'right',
        paint: ({ pending, oldest_age: age }, text) =>
          pending > 0 && age > LATE ? paint('halt', text) : text,
      },
      number('heard', ({ ok }) => ok, 7),
      number('retried', ({ retried }) => retried, 8),
      number('retrying', ({ retrying }) => retrying, 5, 'halt'),
      number('dropped', ({ dropped }) => dropped, 6, 'bad'),
      number('dead', (tracer) => tracer.dead_letters, 0, 'bad'),
    ],
    columns,
    (text) => paint('quiet', text),
  );
  return { lines: [...troubles, ...lines], most };
}
