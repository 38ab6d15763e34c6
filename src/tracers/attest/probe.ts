import { existsSync } from 'node:fs';
import { errorType, VconOtelError } from '../../model/error.ts';
import { type Finding, ok, problem } from '../../model/finding.ts';
import { folderObstacle } from '../../persistence/obstacle.ts';
import type { AttestOptions } from './options.ts';
import { keyPath, signerOfFile } from './signing-key.ts';

/** Looks at the folders of the attestations and of the vCons' keys, and at the key that signs. */
export function probe({ directory, key_file, ledger_directory }: AttestOptions): readonly Finding[] {
  const folders = [
    ['attestations', directory],
    ["the vCons' keys", ledger_directory],
  ] as const;
  return [
    ...folders.map(([what, path]) => {
      const obstacle = folderObstacle(path);
      return obstacle
        ? problem(`${what} cannot be written to ${path} (${obstacle})`, 'name a folder that can be written')
        : ok(`${what} can be written to ${path}`);
    }),
    keyFinding(keyPath(directory, key_file), key_file === undefined),
  ];
}

function keyFinding(path: string, isMade: boolean): Finding {
  if (isMade && !existsSync(path)) return ok('the signing key is created at the first start');
  try {
    signerOfFile(path);
    return ok('the signing key can be read');
  } catch (error) {
    const reason = error instanceof VconOtelError ? error.message : `it cannot be read (${errorType(error)})`;
    return problem(`the signing key: ${reason}`, 'put the key back');
  }
}
