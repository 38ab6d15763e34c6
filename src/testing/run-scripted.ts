import type { Options, TracerModule } from '../model/tracer.ts';
import { Harness } from './harness.ts';
import { SCRIPTED } from './scripted-chain.ts';

/**
 * Lets a tracer hear one made-up run: three links, of which the second makes a new vCon, a storage, and one that fails. Resolves when it has
 * heard all of it, or a call has failed for a second.
 */
export async function runScripted(module: TracerModule, options: Options): Promise<void> {
  const harness = new Harness({ module, options, timeout: 1_000 });
  try {
    await harness.perform(SCRIPTED.slice(0, 1));
    await harness.delivered().catch(() => undefined);
  } finally {
    await harness.end();
  }
}
