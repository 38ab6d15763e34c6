import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { SpanLog } from '../../src/exporters/span-log/span-log.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { ledgerSigner, openLedger, verifyLedger } from '../../src/ledger/index.ts';
import { systemClock } from '../../src/model/clock.ts';
import { settingsFor } from '../ledger/written-ledger.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SEGMENT = '00000000000000000000.jsonl';

/** Whatever keeps files, and the files that it reads at its start. */
const KEEPERS = {
  journal: {
    files: ['journal.db', 'journal.db-wal', 'journal.db-shm', 'journal.db.lock'],
    open: (folder: string) => sqliteJournal({ path: join(folder, 'journal.db') }),
  },
  'log of spans': {
    files: ['place', 'lock', '0000000000000000.spans'],
    open: (folder: string) => SpanLog.open({ folder, retention: 60_000, maxSize: 1e6, clock: systemClock }),
  },
  ledger: {
    files: ['checkpoint', 'checkpoints', 'ledger.vkey', 'signing-key.pem', 'lock', `segments/${SEGMENT}`],
    open: async (folder: string) => openLedger(settingsFor(folder, ledgerSigner(folder).signer)),
  },
  'verifier of a ledger': {
    files: ['checkpoint', 'checkpoints', `segments/${SEGMENT}`],
    open: async (folder: string) => verifyLedger({ directory: folder, verifiers: [] }),
  },
};

const KINDS = {
  folder: (path: string) => mkdirSync(path),
  'pipe or a device': (path: string) => execFileSync('mkfifo', [path]),
};

const CASES = Object.entries(KEEPERS).flatMap(([keeper, { files, open }]) =>
  Object.entries(KINDS).flatMap(([kind, make]) => files.map((file) => ({ keeper, file, kind, make, open }))),
);

test.skipIf(process.platform === 'win32').each(CASES)(
  'a $keeper refuses a $kind in the place of its $file, by name, and waits for nothing',
  async ({ file, kind, make, open }) => {
    const path = join(temporaryFolder(), file);
    mkdirSync(dirname(path), { recursive: true });
    make(path);
    const folder = path.slice(0, -file.length - 1);
    await expect(open(folder)).rejects.toMatchObject({
      code: 'FILE_UNUSABLE',
      message: expect.stringContaining(`${path} has to be a file, and is a ${kind}`),
    });
  },
);

test.each(['journal', 'log of spans', 'ledger'] as const)(
  'a lock file of a %s that is none is named',
  async (keeper) => {
    const folder = temporaryFolder();
    const path = join(folder, keeper === 'journal' ? 'journal.db.lock' : 'lock');
    writeFileSync(path, 'x'.repeat(5_000));
    await expect(KEEPERS[keeper].open(folder)).rejects.toMatchObject({
      code: 'FILE_UNUSABLE',
      message: `the lock file ${path} cannot be used (SQLITE_NOTADB): remove it, if nothing has it open`,
    });
  },
);

test('a journal behind a link that leads nowhere is made there; one that goes round is refused', async () => {
  const folder = temporaryFolder();
  const [path, there] = [join(folder, 'journal.db'), join(folder, 'there', 'journal.db')];
  symlinkSync(there, path);
  await (await sqliteJournal({ path })).close();
  expect(existsSync(there)).toBe(true);
  const round = join(folder, 'round.db');
  symlinkSync(round, round);
  await expect(sqliteJournal({ path: round })).rejects.toMatchObject({
    code: 'FILE_UNUSABLE',
    message: `the journal ${round} cannot be used: ELOOP`,
  });
});
