import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

// Opens a ledger, sees to what waits and closes it, and is killed before the n-th change of a file.

const [directory = '', at = '0'] = process.argv.slice(2);
let left = Number(at);

function counted<Of extends object>(of: Of, names: readonly string[]): Of {
  const named = of as Record<string, (...args: unknown[]) => unknown>;
  for (const name of names) {
    const own = named[name]?.bind(of);
    if (!own) throw new RangeError(`there is no ${name}`);
    named[name] = (...args) => {
      left -= 1;
      if (left === 0) process.kill(process.pid, 'SIGKILL');
      return own(...args);
    };
  }
  return of;
}

const CHANGES = ['writeFile', 'appendFile', 'rename', 'link', 'unlink', 'symlink', 'rm', 'mkdir', 'truncate'];
counted(
  fs,
  [...CHANGES, 'write', 'fsync', 'ftruncate'].map((name) => `${name}Sync`),
);
counted(promises, CHANGES);
const { open } = promises;
promises.open = async (...args) =>
  counted(await open(...args), ['write', 'writeFile', 'appendFile', 'datasync', 'sync', 'truncate']);
syncBuiltinESMExports();

const { ledgerSigner, openLedger } = await import('../../../src/ledger/index.ts');
const { settingsFor } = await import('../written-ledger.ts');
const ledger = openLedger(settingsFor(directory, ledgerSigner(directory).signer));
await ledger.tend();
await ledger.close();
process.stdout.write(`${Number(at) - left}\n`);
