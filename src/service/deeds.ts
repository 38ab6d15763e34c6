import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Operator, OperatorDeed } from '../ledger/index.ts';

//  Who does something as an operator, by a command or on the page, and how the ledgers come to know.

/** A deed without who did it. */
export type Deed = OperatorDeed extends infer One
  ? One extends unknown
    ? Omit<One, keyof Operator>
    : never
  : never;

/** Who runs this process. @param actor who they say they are; absent: the operating system's user */
export function operatorOf(actor: string | undefined): Operator {
  const system_user = systemUser();
  return { actor: actor ?? system_user, system_user };
}

/** Whether somebody may call themselves so. */
export function isActor(text: string): boolean {
  return /^[^\p{Cc}\p{Cs}]{1,256}$/u.test(text) && !RESERVED.has(text);
}

/** What a name that is none is to be told. */
export const NO_ACTOR = 'it is a name of up to 256 characters, but not conserver, ledger or operator';

/**
 * Leaves word of a deed for a ledger, whose writer records it.
 * @throws the system's error, or VconOtelError `FILE_UNUSABLE`
 */
export async function leaveWord(directory: string, deed: Deed, actor: string | undefined): Promise<void> {
  const { leaveRequest } = await import('../ledger/index.ts');
  if (!existsSync(join(directory, 'segments'))) throw Object.assign(new Error(), { code: 'ENOENT' });
  leaveRequest(directory, { ...deed, ...operatorOf(actor) } as OperatorDeed);
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
