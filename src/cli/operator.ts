import { type Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { errorType } from '../model/error.ts';
import { type Deed, isActor, leaveWord, NO_ACTOR } from '../service/deeds.ts';
import { ledgersOf } from '../service/ledgers.ts';
import type { JournalPlace } from './arguments.ts';

//  What commands tell the ledgers of what was done by them.

/** Adds the option `--actor` to a command. */
export function takesActor(command: Command): Command {
  return command.option(
    '--actor <name>',
    "who you are, for the ledger (default: the operating system's user)",
    parseActor,
  );
}

/**
 * Leaves word of a deed for a ledger. Never rejects: what was done was done, and whoever reads a ledger may not be allowed to
 * write there.
 */
export async function handOver(
  directory: string,
  deed: Deed,
  actor: string | undefined,
  stderr: NodeJS.WritableStream,
): Promise<void> {
  try {
    await leaveWord(directory, deed, actor);
  } catch (error) {
    stderr.write(`vcon-otel: this is not recorded in the ledger in ${directory} (${errorType(error)})\n`);
  }
}

/** As {@link handOver}, for every ledger of a configuration; a journal alone names none. */
export async function handOverToAll(
  { config: file }: JournalPlace,
  deed: Deed,
  actor: string | undefined,
  stderr: NodeJS.WritableStream,
): Promise<void> {
  if (file === undefined) return;
  for (const { directory } of await ledgersOf(await loadConfig(file)))
    await handOver(directory, deed, actor, stderr);
}

/** @throws InvalidArgumentError */
function parseActor(text: string): string {
  if (isActor(text)) return text;
  throw new InvalidArgumentError(`${NO_ACTOR[0]?.toUpperCase()}${NO_ACTOR.slice(1)}.`);
}
