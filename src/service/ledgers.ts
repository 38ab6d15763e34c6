import type { LoadedConfig } from '../config/load-config.ts';
import { tracersOf } from './components.ts';

/** A ledger that a configuration names. */
export interface NamedLedger {
  /** The tracer that keeps it. */
  readonly tracer: string;
  readonly directory: string;
}

/** The ledgers that the tracers of a configuration keep, but for tracers that cannot be found. */
export async function ledgersOf(loaded: LoadedConfig): Promise<NamedLedger[]> {
  const ledgers: NamedLedger[] = [];
  for (const { name, find } of tracersOf(loaded)) {
    const found = await find().catch(() => undefined);
    const ledger = found && 'ledger' in found.definition ? found.definition.ledger : undefined;
    if (found && ledger) ledgers.push({ tracer: name, directory: ledger(found.options) });
  }
  return ledgers;
}
