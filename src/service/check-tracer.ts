import { checkOptions, type OptionFault } from '../bridge/create-tracer.ts';
import type { Config } from '../config.ts';
import { VconOtelError } from '../model/error.ts';
import { loadTracerModule } from './tracer-modules.ts';

/**
 * What is wrong with a tracer of the configuration, without making it.
 * @param directory where a relative module path starts
 */
export async function checkTracer(
  name: string,
  { module, options }: Config['tracers'][string],
  directory: string,
): Promise<readonly OptionFault[]> {
  try {
    return checkOptions({ name, module: await loadTracerModule(name, module, directory), options }).faults;
  } catch (error) {
    if (!(error instanceof VconOtelError) || error.path === undefined) throw error;
    // The path stands at the head of the message; whoever prints this puts it there again.
    return [{ path: error.path, message: error.message.replace(`${error.path}: `, '') }];
  }
}
