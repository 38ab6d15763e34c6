import { formatPath, type LoadedConfig, redisUrlOf } from '../../config/load-config.ts';
import { withDeadline } from '../../model/deadline.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import { type Finding, ok, problem } from '../../model/finding.ts';
import {
  disabledTracers,
  exportersOf,
  journalOf,
  receiversOf,
  tracersOf,
  vconStoreOf,
} from '../../service/components.ts';
import { adminProbes } from './admin.ts';
import { probesOf } from './components.ts';
import { conserverProbes } from './conserver-config.ts';
import { environmentProbes } from './environment.ts';
import type { Probe, Probes } from './probe.ts';
import { strayPlaces } from './stray-places.ts';
import { waitingSpans } from './waiting-spans.ts';

/** What was found of one key of the configuration. */
export interface Diagnosis {
  readonly about: string;
  readonly findings: readonly Finding[];
}

/** In the order in which they are told. */
const BESIDE_THE_JOURNAL: readonly Probes[] = [
  (loaded, timeout) => probesOf([vconStoreOf(loaded)], { timeout }),
  conserverProbes,
  (loaded, timeout) =>
    probesOf(receiversOf(loaded), { timeout, redisUrl: redisUrlOf(loaded.config.vcon_store) }),
  (loaded, timeout) => probesOf(exportersOf(loaded), { timeout }),
  adminProbes,
  (loaded, timeout) => probesOf(tracersOf(loaded), { timeout }),
  (loaded) => disabledTracers(loaded).map(disabledProbe),
];

function disabledProbe(name: string): Probe {
  return {
    about: formatPath(['tracers', name]),
    look: async () => [ok('it is not enabled: it hears nothing')],
  };
}

/** The part of its time that a probe has for a single wait: it is to say itself what did not answer. */
const SHARE = 0.9;

/**
 * Looks at everything that a configuration names, at the same time. Nothing is started and nothing changed. Never rejects.
 * @param file where it was read from, for advice
 * @param timeout milliseconds that each thing may take
 */
export async function diagnose(
  loaded: LoadedConfig,
  file: string,
  timeout: number,
): Promise<readonly Diagnosis[]> {
  const ask = (probes: Probes): Promise<Diagnosis[]> =>
    Promise.all(probes(loaded, Math.ceil(timeout * SHARE)).map((probe) => examined(probe, timeout)));
  const beside = await Promise.all(BESIDE_THE_JOURNAL.map(ask));
  // SQLite keeps this thread busy: the answers of others must not be late for that.
  const journal = await ask((of, share) => probesOf([journalOf(of)], { timeout: share }));
  const strays = await ask((of) => strayPlaces(of, file));
  const spans = await ask(waitingSpans);
  return [...(await ask(environmentProbes)), ...journal, ...strays, ...beside.flat(), ...spans];
}

async function examined({ about, look }: Probe, timeout: number): Promise<Diagnosis> {
  try {
    return { about, findings: await withDeadline(look(), timeout, 'this') };
  } catch (error) {
    const isLate = error instanceof VconOtelError && error.code === 'TIMEOUT';
    const text = isLate
      ? `no answer within ${timeout / 1e3} s`
      : `it could not be looked at (${errorType(error)})`;
    return { about, findings: [problem(text)] };
  }
}
