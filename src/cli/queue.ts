import { Command, Option } from 'commander';
import type { Choice } from '../journal/admin.ts';
import { type JournalPlace, parseGlob, parseLimit, parseUuid, takesJournal } from './arguments.ts';
import { handOverToAll, takesActor } from './operator.ts';
import { chosenTracers } from './queue/chosen-tracers.ts';
import { type DeadOptions, type ListOptions, list, showDeadLetter } from './queue/entries.ts';
import { type ForgetOptions, forgetPlace } from './queue/forget.ts';
import type { QueueSettings } from './queue/queue-settings.ts';
import { type StatsOptions, stats } from './queue/stats.ts';
import { print, safeJson } from './timeline/index.ts';

/**
 * `vcon-otel queue`: what each tracer has yet to hear and what it will never hear, from the journal of a service
 * that may be running; as a table, or as one JSON document with `--json`.
 * @throws VconOtelError from its actions: `FILE_UNUSABLE` for the journal, `OPTIONS_INVALID` for a tracer or an event
 * that the journal does not know, `CONFIG_…` for the configuration
 */
export function queueCommand(settings: QueueSettings): Command {
  const queue = new Command('queue').description(
    'show and fix what tracers have yet to hear, in a journal file',
  );
  const add = (name: string, description: string): Command =>
    takesJournal(queue.command(name).description(description)).option('--json', 'print one JSON document');
  const addDecision = (name: string, description: string): Command => takesActor(add(name, description));
  add('stats', 'how far each tracer is')
    .option('--tracer <name>', 'only this one')
    .action((options: StatsOptions) => stats(options, settings));
  add('peek', 'the events that a tracer will hear next')
    .requiredOption('--tracer <name>', 'the tracer')
    .option('--limit <n>', 'how many at most; 0 for all', parseLimit, DEFAULT_LIMIT)
    .action((options: ListOptions) => list('peek', options, settings));
  add('dead', 'the events that were given up')
    .option('--tracer <name>', 'only of this tracer')
    .option(...REASON)
    .addOption(
      new Option('--event <id>', 'only this event, with all that is known of it').conflicts([
        'reason',
        'limit',
      ]),
    )
    .option(
      '--limit <n>',
      'how many of each tracer at most, oldest first; 0 for all',
      parseLimit,
      DEFAULT_LIMIT,
    )
    .action((options: DeadOptions) =>
      options.event === undefined
        ? list('dead', options, settings)
        : showDeadLetter(options.event, options, settings),
    );
  addDecision('retry', 'have a tracer hear dead letters again')
    .argument('[event...]', 'ids of events, or of runs')
    .requiredOption('--tracer <name>', 'the tracer')
    .option('--all', 'all its dead letters')
    .option('--vcon <uuid>', 'all of this vCon', parseUuid)
    .option(...REASON)
    .action(async function (this: Command, ids: string[], options: ChangeOptions) {
      await change('retry', choiceOf(this, ids, options), options, settings);
    });
  addDecision('skip', 'have a tracer never hear events that wait or are dead letters')
    .argument('[event...]', 'ids of events, or of runs')
    .requiredOption('--tracer <name>', 'the tracer')
    .option('--all-dead', 'all its dead letters')
    .option(...REASON)
    .action(async function (this: Command, ids: string[], options: ChangeOptions) {
      await change('skip', choiceOf(this, ids, options), options, settings);
    });
  addDecision('forget', 'remove the place of a tracer or an exporter that is not configured any more')
    .argument('<name>', 'of the tracer; exporters.NAME for an exporter')
    .option('--yes', 'do it; otherwise it only says what would be removed')
    .action((name: string, options: ForgetOptions) => forgetPlace(name, options, settings));
  return queue;
}

/** Which dead letters: those whose reason has this form. */
const REASON = [
  '--reason <glob>',
  'only dead letters with such a reason, e.g. HTTP_* or returned_false',
  parseGlob,
] as const;

interface ChangeOptions extends JournalPlace {
  readonly json?: true;
  readonly tracer: string;
  readonly actor?: string;
  readonly all?: true;
  readonly allDead?: true;
  readonly vcon?: string;
  readonly reason?: (errorType: string) => boolean;
}

const DEFAULT_LIMIT = 20;

function choiceOf(
  command: Command,
  ids: readonly string[],
  { all, allDead, vcon, reason: hasReason }: ChangeOptions,
): Choice {
  const choices: Choice[] = [
    ...(ids.length > 0 ? [{ of: 'ids', ids } as const] : []),
    ...(all || allDead ? [{ of: 'dead', hasReason } as const] : []),
    ...(vcon === undefined ? [] : [{ of: 'vcon', uuid: vcon, hasReason } as const]),
  ];
  const [choice = hasReason && ({ of: 'dead', hasReason } as const)] = choices;
  // An id says already which one is meant.
  if (choice && choices.length <= 1 && !(choice.of === 'ids' && hasReason)) return choice;
  const ways =
    command.name() === 'retry'
      ? 'ids of events, --all, --vcon or --reason'
      : 'ids of events, --all-dead or --reason';
  return command.error(`error: queue ${command.name()} needs either ${ways}`, {
    exitCode: 2,
    code: 'queue.choice',
  });
}

async function change(
  what: 'retry' | 'skip',
  choice: Choice,
  options: ChangeOptions,
  settings: QueueSettings,
): Promise<void> {
  const { stdout, stderr } = settings;
  await settings.withJournal(options, async (journal) => {
    chosenTracers(await journal.tracers(), options.tracer);
    const chosen = await journal[what](options.tracer, choice);
    const { changed, left } = chosen;
    if (changed > 0)
      await handOverToAll(options, deedOf(what, choice, options, changed), options.actor, stderr);
    const key = what === 'retry' ? 'queued' : 'skipped';
    if (options.json)
      return print(stdout, [`${safeJson({ tracer: options.tracer, [key]: changed, left })}\n`]);
    const of = `${changed.toLocaleString('en')} ${changed === 1 ? 'event' : 'events'}`;
    const was = what === 'retry' ? 'no dead letters' : 'settled already';
    const rest = left > 0 ? `, ${left} left alone: ${was}` : '';
    await print(stdout, [`${key === 'queued' ? 'Queued again' : 'Skipped'}: ${of}${rest}\n`]);
    if (what === 'retry' && changed > 0 && !(await journal.isServed()))
      stderr.write('No service has the journal open: they are delivered once one has.\n');
  });
}

/** What the ledgers are told of it. */
function deedOf(what: 'retry' | 'skip', choice: Choice, { tracer }: ChangeOptions, events: number) {
  return {
    event: what === 'retry' ? 'events_requeued' : 'events_skipped',
    tracer,
    events,
    ...(choice.of === 'ids' && { event_ids: [...choice.ids] }),
    ...(choice.of === 'vcon' && { vcon_uuid: choice.uuid }),
  } as const;
}
