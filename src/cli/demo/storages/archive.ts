import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Storage } from '../../../model/chain.ts';
import { VconOtelError } from '../../../model/error.ts';
import { replaceFile } from '../../../persistence/replace-file.ts';

/**
 * Keeps each vCon as `<uuid>.vcon.json` in a directory that exists. A file is either the old or the new one,
 * never half of it.
 */
export function archive(directory: string): Storage {
  return {
    name: 'archive',
    async save(vconUuid, { vcons, signal }) {
      const text = await vcons.read(vconUuid);
      if (text === undefined) throw new VconOtelError('VCON_INVALID', 'vCon is not in the store');
      await replaceFile(join(directory, `${fileName(vconUuid)}.vcon.json`), text, { signal });
    },
  };
}

/** The uuid of somebody's own vCon may be anything, a path among it. */
function fileName(vconUuid: string): string {
  return /^[\w-]{1,64}$/.test(vconUuid) ? vconUuid : createHash('sha256').update(vconUuid).digest('hex');
}
