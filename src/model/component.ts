import type { z } from 'zod';
import type { Erasure } from './erasure.ts';
import type { Finding } from './finding.ts';

/**
 * The shape of everything that a configuration can name: tracers, exporters, vCon stores, receivers and journals. What reads,
 * checks, starts and examines a configuration knows this shape and no component by name.
 *
 * A component is one file, or a file and a folder of its name. The file imports zod and what is small; a library that is not
 * is imported where it is needed, in `create` and `probe`, because whoever reads a configuration loads every definition.
 */
export interface Component<Schema extends z.ZodType, Host, Made, Look = ProbeSettings> {
  /** The options it takes; absent means none are checked. Use `z.strictObject` so that typing errors are found. */
  readonly options?: Schema;
  /**
   * Makes it. May throw: starting fails loudly.
   * @param host what it is handed; each kind of component says what that is
   */
  create(options: z.output<Schema>, host: Host): Made;
  /**
   * For `vcon-otel doctor`: looks whether what it depends on (a service, a database, a folder) is there and lets it in. The
   * component is not made for it, perhaps it runs elsewhere at this moment: nothing may be changed, taken or kept open. What
   * it throws is told by its type alone.
   */
  probe?(options: z.output<Schema>, settings: Look): Promise<readonly Finding[]>;
  /** What a user should know of options that are right, a sentence each: `validate`, `doctor` and the log say it. */
  remarks?(options: z.output<Schema>): readonly string[];
  /** How a vCon is erased from what it keeps. Absent: it does not say what it keeps. */
  readonly erasure?: Erasure<z.output<Schema>>;
  /** Paths of what it makes on a disk. Others should not read it: where they can, the log and `doctor` say so. */
  files?(options: z.output<Schema>): readonly string[];
}

/** What code hands to a component that looks whether all is there. */
export interface ProbeSettings {
  /** The component's name in the configuration. */
  readonly name: string;
  /** Milliseconds that the look may take. */
  readonly timeout: number;
}
