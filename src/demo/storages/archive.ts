import { createHash, randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Storage } from '../../model/chain.ts';
import { VconOtelError } from '../../model/error.ts';

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
      const temporary = join(directory, `.${randomUUID()}.tmp`);
      try {
        await writeFile(temporary, text, { signal });
        signal.throwIfAborted();
        await rename(temporary, join(directory, `${fileName(vconUuid)}.vcon.json`));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
  };
}

/** The uuid of somebody's own vCon may be anything, a path among it. */
function fileName(vconUuid: string): string {
  return /^[\w-]{1,64}$/.test(vconUuid) ? vconUuid : createHash('sha256').update(vconUuid).digest('hex');
}
