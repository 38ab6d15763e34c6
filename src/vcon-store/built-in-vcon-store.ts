import type { z } from 'zod';
import type { Erasure } from '../model/erasure.ts';
import type { VconStore } from '../model/vcon.ts';
import type { VconStoreDefinition } from '../model/vcon-store.ts';

/** A vCon store that comes with the package. Its options are checked as soon as the configuration is read. */
export interface BuiltInVconStore<Schema extends z.ZodObject = z.ZodObject>
  extends VconStoreDefinition<Schema> {
  readonly options: Schema;
  /** The Redis that it uses: others that need one use the same unless they are told otherwise. */
  redisUrl?(options: z.output<Schema>): string;
}

/** Types the definition of a vCon store that comes with the package. */
export function defineBuiltInVconStore<Schema extends z.ZodObject>(
  definition: BuiltInVconStore<Schema>,
): BuiltInVconStore<Schema> {
  return definition;
}

/** A store is the conserver's: what is in it is told of, and stays. @param open a store of these options, for one question */
export function documentStays<Options>(open: (options: Options) => Promise<VconStore>): Erasure<Options> {
  return {
    async mentions(options, { spellings }) {
      const store = await open(options);
      try {
        let count = 0;
        for (const uuid of spellings) if ((await store.read(uuid)) !== undefined) count += 1;
        return [{ what: 'documents', count, stays: "the conserver's own: delete it there" }];
      } finally {
        await store.close();
      }
    },
    erase: async () => {},
  };
}
