import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import type { Operator, OperatorDeed } from '../ledger/index.ts';
import { errorType } from '../model/error.ts';
import { tracersOf } from '../service/components.ts';
import type { JournalPlace } from './arguments.ts';

//  Who runs a command, and the ledgers that are to know what it did.

/** A deed without who did it. */
type Deed = OperatorDeed extends infer One
  ? One extends unknown
    ? Omit<One, keyof Operator>
    : never
  : never;

/** Adds the option `--actor` to a command. */
export function takesActor(command: Command): Command {
  return command.option(
    '--actor <name>',
    "who you are, for the ledger (default: the operating system's user)",
    parseActor,
  );
}

/** Who runs this process. */
export function operatorOf(actor: string | undefined): Operator {
  const system_user = systemUser();
  return { actor: actor ?? system_user, system_user };
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
  const { leaveRequest } = await import('../ledger/index.ts');
  try {
    if (!existsSync(join(directory, 'segments'))) throw Object.assign(new Error(), { code: 'ENOENT' });
    leaveRequest(directory, { ...deed, ...operatorOf(actor) } as OperatorDeed);
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
  for (const { find } of tracersOf(await loadConfig(file))) {
    const found = await find().catch(() => undefined);
    const ledger = found && 'ledger' in found.definition ? found.definition.ledger : undefined;
    if (found && ledger) await handOver(ledger(found.options), deed, actor, stderr);
  }
}

/** @throws InvalidArgumentError */
function parseActor(text: string): string {
  if (/^[^\p{Cc}\p{Cs}]{1,256}$/u.test(text) && !RESERVED.has(text)) return text;
  throw new InvalidArgumentError(
    'It is a name of up to 256 characters, but not conserver, ledger or operator.',
  );
}

/** What a ledger calls those who are no people. */
const RESERVED: ReadonlySet<string> = new Set(['conserver', 'ledger', 'operator']);

/** By the process's user id: variables of the environment could say anything. */
function systemUser(): string {
  try {
    const { username } = userInfo();
    return RESERVED.has(username) ? `user ${username}` : username;
  } catch {
    // In a container it need not have a name.
    return `uid ${process.getuid?.()}`;
  }
}
