import { existsSync } from 'node:fs';
import { VconOtelError } from '../../model/error.ts';
import { FileCutError } from '../../persistence/durable-file.ts';
import type { FileLock } from '../../persistence/file-lock.ts';

/**
 * Whether an open ledger is still what it was. Once it is not, it never is again: nothing is recorded or signed until somebody
 * has looked at it and opens it anew.
 */
export class Soundness {
  readonly #directory: string;
  readonly #lock: FileLock;
  readonly #tell: (text: string) => void;
  #fault: VconOtelError | undefined;

  /** @param tell is told of a fault, once */
  constructor(directory: string, lock: FileLock, tell: (text: string) => void) {
    this.#directory = directory;
    this.#lock = lock;
    this.#tell = tell;
  }

  get fault(): VconOtelError | undefined {
    return this.#fault;
  }

  /** @throws VconOtelError the fault; Error if the whole directory is gone, and may come back */
  require(): void {
    if (!this.#fault && !this.#lock.holds()) {
      if (!existsSync(this.#directory)) throw new Error('the directory of the ledger is gone');
      this.faultOf(lockLost());
    }
    if (this.#fault) throw this.#fault;
  }

  /** The fault that an error shows; undefined if it shows none. */
  faultOf(error: unknown): VconOtelError | undefined {
    const shown = error instanceof FileCutError ? recordsCut(error) : error;
    if (!(shown instanceof VconOtelError && shown.code.startsWith('LEDGER_'))) return undefined;
    if (!this.#fault) this.#tell(shown.message);
    this.#fault ??= shown;
    return this.#fault;
  }
}

function lockLost(): VconOtelError {
  return new VconOtelError(
    'LEDGER_IN_USE',
    'the lock of the ledger was removed or replaced while it was open, so another process may write to it: nothing is recorded or signed',
  );
}

function recordsCut(cause: FileCutError): VconOtelError {
  return new VconOtelError(
    'LEDGER_DAMAGED',
    'the end of the ledger was cut off while it was open: nothing is recorded or signed; vcon-otel audit verify says more',
    { cause },
  );
}
