import { existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemClock } from '../../model/clock.ts';
import { VconOtelError } from '../../model/error.ts';
import { type Finding, ok, problem, warning } from '../../model/finding.ts';
import { fileObstacle, folderObstacle } from '../../persistence/obstacle.ts';
import { SqliteAdmin } from './sqlite-admin.ts';

/** What of the journal's options says where it is kept. */
export interface FilePlace {
  readonly path: string;
  /** Bytes. */
  readonly max_size: number;
}

/** Looks whether the journal can be kept where it is to be, and how far its tracers are. */
export async function probe(journal: FilePlace): Promise<readonly Finding[]> {
  return [...place(journal), ...(existsSync(journal.path) ? await content(journal.path) : [])];
}

function place({ path, max_size }: FilePlace): Finding[] {
  // SQLite makes files beside it.
  const obstacle = fileObstacle(path) ?? folderObstacle(dirname(path));
  if (obstacle !== undefined)
    return [
      problem(`${path} cannot be written (${obstacle})`, 'name a journal.path that the service can write'),
    ];
  const isThere = existsSync(path);
  const { bavail, bsize } = statfsSync(existing(dirname(path)));
  const free = bavail * bsize;
  const taken = isThere ? statSync(path).size : 0;
  const found = ok(isThere ? `${path} can be written` : `${path} is created at the start`);
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
  const admin = new SqliteAdmin(path, systemClock);
  try {
    const found = [ok((await admin.isServed()) ? 'a service has it open' : 'no service has it open')];
    for (const name of await admin.tracers()) {
      const { tracer, depth, deadLetters } = await admin.stats(name);
      const waiting = `tracer ${tracer} has ${counted(depth, 'event')} to hear`;
      found.push(
        deadLetters === 0
          ? ok(waiting)
          : warning(
              `${waiting} and ${counted(deadLetters, 'dead letter')}`,
              `vcon-otel queue dead --tracer ${tracer} --journal ${path} tells why`,
            ),
      );
    }
    return found;
  } catch (error) {
    if (!(error instanceof VconOtelError)) throw error;
    return [problem(error.message, 'name another file, or use the version of vcon-otel that wrote this one')];
  } finally {
    await admin.close();
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
