import { recordsOfVcon } from '../../ledger/index.ts';
import type { ErasedVcon, Mention } from '../../model/erasure.ts';

/** Records that name a vCon: they stay, whatever is erased elsewhere. */
export async function mentions(
  { directory }: { readonly directory: string },
  { spellings }: ErasedVcon,
): Promise<readonly Mention[]> {
  let count = 0;
  for (const uuid of spellings) for (const _ of recordsOfVcon(directory, uuid)) count += 1;
  const stays = 'they prove that it was handled, and without its key they say nothing of its content';
  return [{ what: 'records of the ledger', count, stays }];
}
