import type { z } from 'zod';
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
