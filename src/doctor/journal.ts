import { existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Config } from '../config.ts';
import { VconOtelError } from '../model/error.ts';
import { type Finding, fault, ok, warning } from '../model/finding.ts';
import { fileObstacle, folderObstacle } from '../model/obstacle.ts';
import type { Probes } from './probe.ts';

type FileJournal = Extract<Config['journal'], { type: 'sqlite' }>;

/** Whether the journal can be kept where it is to be, and how its tracers stand. */
export const journalProbes: Probes = ({ config: { journal } }) => [
  {
    about: 'journal',
    look: async () =>
      journal.type === 'memory'
        ? [ok('is kept in memory: what tracers have still to hear ends with the process')]
        : [...place(journal), ...(existsSync(journal.path) ? await content(journal.path) : [])],
  },
];

function place({ path, max_size }: FileJournal): Finding[] {
  // SQLite makes files beside it.
  const obstacle = fileObstacle(path) ?? folderObstacle(dirname(path));
  if (obstacle !== undefined)
    return [
      fault(
        `${path} cannot be written (${obstacle})`,
        'give journal.path a place that the service can write',
      ),
    ];
  const isThere = existsSync(path);
  const { bavail, bsize } = statfsSync(existing(dirname(path)));
  const free = bavail * bsize;
  const taken = isThere ? statSync(path).size : 0;
  const found = ok(isThere ? `${path} can be written` : `${path} is made at the start`);
  if (taken + free >= max_size) return [found];
  return [
    found,
    warning(
      `the disk has ${mebibytes(free)} MiB left, the journal may grow to ${mebibytes(max_size)} MiB`,
      'make room, or lower journal.max_size',
    ),
  ];
}

async function content(path: string): Promise<Finding[]> {
  // Loaded here: on Node 22 the very import of SQLite prints a warning.
  const journal = await import('../journal/sqlite/operator/index.ts');
  try {
    return await journal.withJournalFile(path, 'read', (file) => [
      ok(journal.isServed(file) ? 'a service has it open' : 'no service has it open'),
      ...journal.consumersOf(file).map((consumer) => {
        const { tracer, depth, deadLetters } = journal.consumerStats(file, consumer);
        const waiting = `tracer ${tracer} has ${counted(depth, 'event')} to hear`;
        if (deadLetters === 0) return ok(waiting);
        return warning(
          `${waiting} and ${counted(deadLetters, 'dead letter')}`,
          `vcon-otel queue dead --tracer ${tracer} --journal ${path} tells why`,
        );
      }),
    ]);
  } catch (error) {
    if (!(error instanceof VconOtelError)) throw error;
    return [fault(error.message, 'name another file, or use the version of vcon-otel that wrote this one')];
  }
}

/** The folder, or the nearest above it that is there. */
function existing(folder: string): string {
  const path = resolve(folder);
  return existsSync(path) ? path : existing(dirname(path));
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

function mebibytes(bytes: number): string {
  return Math.floor(bytes / 2 ** 20).toLocaleString('en');
}
