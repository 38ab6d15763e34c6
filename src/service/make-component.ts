import { withDeadline } from '../model/deadline.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { FoundComponent, NamedComponent } from './named-component.ts';

/** Milliseconds that a component may take to be made. */
const MAKE_TIMEOUT = 30_000;

/**
 * Finds a component that is to be made.
 * @throws VconOtelError `MODULE_NOT_FOUND`, `MODULE_INVALID`; `OPTIONS_INVALID` naming every fault
 */
export async function soundComponent<Definition>({
  find,
}: NamedComponent<Definition>): Promise<FoundComponent<Definition>> {
  const found = await find();
  const [first] = found.faults;
  if (!first) return found;
  const faults = found.faults.map(({ path, message }) => `${path}: ${message}`);
  throw new VconOtelError('OPTIONS_INVALID', faults.join('; '), { path: first.path });
}

/**
 * Makes a component.
 * @param path its key in the configuration
 * @throws VconOtelError `COMPONENT_FAILED` where `create` throws or does not come to an end; one of its own goes on as it is
 */
export async function makeComponent<Made>(path: string, create: () => Made | Promise<Made>): Promise<Made> {
  try {
    return await withDeadline((async () => create())(), MAKE_TIMEOUT, 'making it');
  } catch (cause) {
    if (cause instanceof VconOtelError && cause.code !== 'TIMEOUT') throw cause;
    // The error's own message may quote an option, which may be a secret.
    throw new VconOtelError('COMPONENT_FAILED', `${path}: it could not be made: ${errorType(cause)}`, {
      path,
      cause,
    });
  }
}
