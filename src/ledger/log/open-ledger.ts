import { join } from 'node:path';
import { errorType, VconOtelError } from '../../model/error.ts';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import { CHECKPOINT_FILE } from '../directory.ts';
import type { TreeHead } from '../proof/checkpoint.ts';
import { Anchor } from './anchor.ts';
import { Ledger } from './ledger.ts';
import type { LedgerSettings } from './ledger-settings.ts';
import { lockLedger } from './lock.ts';
import { register } from './open-ledgers.ts';
import { OwnKeys } from './own-keys.ts';
import { RecentIds } from './recent-ids.ts';
import { recoverLedger } from './recover.ts';

/**
 * Opens a ledger, or creates it. Keeps it locked until it is closed.
 * @throws VconOtelError `LEDGER_IN_USE`, `LEDGER_DAMAGED`, `LEDGER_ROLLED_BACK` if it has not grown from what its anchor has,
 * `KEY_INVALID` if it was signed with another key
 */
export function openLedger(settings: LedgerSettings): Ledger {
  const { directory, notice } = settings;
  const lock = lockLedger(directory);
  try {
    const recent = new RecentIds();
    const keys = new OwnKeys(settings);
    const anchor = settings.anchor === undefined ? undefined : new Anchor(settings.anchor, keys.verifiers);
    const end = recoverLedger(directory, keys.verifiers(), recent, anchored(anchor, notice));
    if (end.unwritten !== undefined) replaceFileSync(join(directory, CHECKPOINT_FILE), end.unwritten);
    keys.resume(end.rotation);
    if (end.cut)
      notice(
        'torn',
        `the ledger ended with ${end.cut.bytes} bytes of an unfinished record: cut off, and kept in torn/`,
      );
    const unsigned = end.edge.frontier.size - (end.head?.size ?? 0);
    if (unsigned > 0)
      notice(
        'unsigned',
        `the last ${unsigned} records of the ledger were not signed, because of a crash or because somebody else wrote them: they are signed now`,
      );
    const ledger = new Ledger(settings, end, recent, keys, anchor, lock);
    ledger.onClosed(register(directory, ledger));
    return ledger;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The newest checkpoint in the anchor. */
function anchored(anchor: Anchor | undefined, notice: LedgerSettings['notice']): TreeHead | undefined {
  try {
    return anchor?.unread()[0];
  } catch (error) {
    notice(
      'anchor',
      `the anchor cannot be read (${error instanceof VconOtelError ? error.message : errorType(error)}): nothing tells whether the ledger is an older copy`,
    );
    return undefined;
  }
}
