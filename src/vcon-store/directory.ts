import { accessSync, constants, statSync } from 'node:fs';
import { z } from 'zod';
import { errorType } from '../model/error.ts';
import { type Finding, ok, problem } from '../model/finding.ts';
import { text } from '../model/options/values.ts';
import { defineBuiltInVconStore, documentStays } from './built-in-vcon-store.ts';

/** A folder of documents. */
export default defineBuiltInVconStore({
  options: z.strictObject({ path: text }),
  create: open,
  probe: async ({ path }) => [lookAt(path)],
  erasure: documentStays(open),
});

async function open({ path }: { readonly path: string }) {
  const { directoryVconStore } = await import('./directory/directory-vcon-store.ts');
  return directoryVconStore({ path });
}

function lookAt(path: string): Finding {
  try {
    accessSync(path, constants.R_OK | constants.X_OK);
    if (statSync(path).isDirectory()) return ok(`${path} can be read`);
    return problem(`${path} is not a folder`, 'name the folder of the vCons');
  } catch (error) {
    return problem(`${path} cannot be read (${errorType(error)})`, 'name the folder of the vCons');
  }
}
