import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { type ChainEvent, eventName, eventNames, type Phase } from '../model/event.ts';
import { cleanText, formatDuration, safeJson } from '../timeline/index.ts';
import { type JournalPlace, parseGlob, parseLimit, parseUuid, takesJournal } from './arguments.ts';

/** What the command needs of the process it runs in. */
export interface TapSettings {
  /** Gets the events and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks, and at the end how many events passed. */
  readonly stderr: NodeJS.WritableStream;
  readonly colour: boolean;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
  /** The file of the journal that is meant, or that of `serve`. */
  readonly journalPath: (place: JournalPlace) => Promise<string>;
}

/**
 * `vcon-otel tap`: prints events as a service writes them to its journal, beside it and without its noticing, until a
 * signal comes or nobody reads any more.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` for the journal, `CONFIG_…` for the configuration
 */
export function tapCommand(settings: TapSettings): Command {
  return takesJournal(new Command('tap'))
    .description('print events as they pass, from the journal of a running service')
    .option('--chain <glob>', 'only of chains whose name fits; * and ? stand for any characters', parseGlob)
    .option('--event <glob>', 'only events whose name fits, e.g. link_* or *_error', parseEvents)
    .option('--vcon <uuid>', 'only steps that this vCon enters or leaves', parseUuid)
    .option('--last <n>', 'begin with the newest events that are there', parseLimit, 0)
    .option('--json', 'print one JSON object for each event')
    .action((options: TapOptions) => tap(options, settings));
}

interface TapOptions extends JournalPlace {
  readonly chain?: (name: string) => boolean;
  readonly event?: (name: string) => boolean;
  readonly vcon?: string;
  readonly last: number;
  readonly json?: true;
}

/** @throws InvalidArgumentError for what no event is called, which would be waited for in vain */
function parseEvents(text: string): (name: string) => boolean {
  const fits = parseGlob(text);
  if (!eventNames.some(fits)) throw new InvalidArgumentError(`The events are ${eventNames.join(', ')}.`);
  return fits;
}

async function tap(options: TapOptions, settings: TapSettings): Promise<void> {
  const { stdout, stderr, colour, signal, journalPath } = settings;
  const path = await journalPath(options);
  const ending = new AbortController();
  void signal().then(() => ending.abort());
  // Nobody reads any more, or nothing can be written: the command line tells which.
  stdout.once('error', () => ending.abort());
  const lineOf = options.json ? jsonLine : (event: ChainEvent) => textLine(event, colour);
  let passed = 0;
  let shown = 0;
  // Loaded here: on Node 22 the very import of SQLite prints a warning.
  const { tailJournal } = await import('../journal/sqlite/operator/index.ts');
  await tailJournal(path, {
    last: options.last,
    signal: ending.signal,
    remark: (sentence) => stderr.write(`${sentence}\n`),
    take: async (events) => {
      const wanted = events.filter((event) => isWanted(event, options));
      passed += events.length;
      shown += wanted.length;
      const text = wanted.map(lineOf).join('');
      if (text !== '' && !stdout.write(text)) await once(stdout, 'drain', { signal: ending.signal });
    },
  });
  stderr.write(farewell(passed, shown, options));
}

function isWanted(event: ChainEvent, { chain, event: name, vcon }: TapOptions): boolean {
  return (
    (chain?.(event.chain) ?? true) &&
    (name?.(eventName(event)) ?? true) &&
    (vcon === undefined || vcon === event.inVconUuid || vcon === event.outVconUuid)
  );
}

function farewell(passed: number, shown: number, { chain, event, vcon }: TapOptions): string {
  const isFiltered = chain ?? event ?? vcon;
  const events = `${passed.toLocaleString('en')} ${passed === 1 ? 'event' : 'events'} passed`;
  return isFiltered ? `${events}, ${shown.toLocaleString('en')} shown\n` : `${events}\n`;
}

function jsonLine(event: ChainEvent): string {
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
    inferred: event.inferred,
  };
  return `${safeJson(record)}\n`;
}

const GREEN = 32;
const RED = 31;
const COLOURS: Readonly<Record<Phase, number | undefined>> = {
  start: undefined,
  complete: GREEN,
  error: RED,
};
/** `storage_complete` */
const NAME_WIDTH = Math.max(...eventNames.map((name) => name.length));

function textLine(event: ChainEvent, colour: boolean): string {
  const { phase, chain, link, linkIndex, storage, inVconUuid, outVconUuid } = event;
  const { outcome, errorType, duration, inferred } = event;
  const name = eventName(event).padEnd(NAME_WIDTH);
  const code = colour ? COLOURS[phase] : undefined;
  const step = link === undefined ? storage : `${linkIndex} ${link}`;
  const parts = [
    clock(event.time),
    code === undefined ? name : `\u001b[${code}m${name}\u001b[39m`,
    cleanText(chain),
    step === undefined ? undefined : cleanText(step),
    cleanText(inVconUuid === outVconUuid ? inVconUuid : `${inVconUuid} → ${outVconUuid}`),
    outcome,
    errorType === undefined ? undefined : cleanText(errorType),
    duration === undefined ? undefined : formatDuration(duration),
    inferred.length > 0 ? `(inferred: ${inferred.map(cleanText).join(', ')})` : undefined,
  ];
  return `${parts.filter((part) => part !== undefined).join('  ')}\n`;
}

/** Local time. */
function clock(time: number): string {
  const date = new Date(time);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return `${parts.map((part) => String(part).padStart(2, '0')).join(':')}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
