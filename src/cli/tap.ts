import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import type { TracePage } from '../config/trace-page.ts';
import { type ChainEvent, eventName, eventNames } from '../model/event.ts';
import {
  type JournalPlace,
  parseGlob,
  parseLimit,
  parseUuid,
  takesJournal,
  type WithJournal,
} from './arguments.ts';
import { eventJson, eventLine } from './event-line.ts';

/** What the command needs of the process it runs in. */
export interface TapSettings {
  /** Gets the events and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks, and at the end how many events passed. */
  readonly stderr: NodeJS.WritableStream;
  readonly colour: boolean;
  /** Where the chains of events lead to. @throws ConfigError if what says so is wrong */
  readonly tracePage: () => TracePage | undefined;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
  /** Resolves when nobody reads standard output any more, though nothing is printed. */
  readonly readerGone: () => Promise<void>;
  /** With the journal named, or that of `serve`. */
  readonly withJournal: WithJournal;
}

/**
 * `vcon-otel tap`: prints events as a service writes them to its journal, beside it and without its noticing, until a
 * signal comes or nobody reads any more.
 * @throws VconOtelError from its action: `FILE_UNUSABLE` for the journal, `CONFIG_…` for the configuration
 */
export function tapCommand(settings: TapSettings): Command {
  return takesJournal(new Command('tap'))
    .description('print events as they pass, from the journal of a running service')
    .option(
      '--chain <glob>',
      'only of chains whose name matches; * and ? stand for any characters',
      parseGlob,
    )
    .option('--event <glob>', 'only events whose name matches, e.g. link_* or *_error', parseEvents)
    .option('--vcon <uuid>', 'only steps that this vCon enters or leaves', parseUuid)
    .option('--last <n>', 'begin with the newest events in the journal', parseLimit, 0)
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
  const { stdout, stderr, signal, readerGone, withJournal } = settings;
  const ending = new AbortController();
  void signal().then(() => ending.abort());
  void readerGone().then(() => ending.abort());
  // Nobody reads any more, or nothing can be written: the command line tells which.
  stdout.once('error', () => ending.abort());
  const lineOf = options.json ? eventJson : textLine(settings);
  let passed = 0;
  let shown = 0;
  await withJournal(options, (journal) =>
    journal.tail({
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
    }),
  );
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

function textLine({ colour, tracePage }: TapSettings): (event: ChainEvent) => string {
  const page = tracePage();
  return (event) => eventLine(event, colour, page);
}
