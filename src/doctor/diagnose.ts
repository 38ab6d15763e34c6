import type { LoadedConfig } from '../config.ts';
import { withDeadline } from '../model/deadline.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { type Finding, fault } from '../model/finding.ts';
import { conserverProbes } from './conserver-config.ts';
import { environmentProbes } from './environment.ts';
import { fileProbes } from './files.ts';
import { httpReceiverProbes } from './http-receiver.ts';
import { journalProbes } from './journal.ts';
import { otlpProbes } from './otlp.ts';
import { portProbes } from './ports.ts';
import type { Probe, Probes } from './probe.ts';
import { redisStreamProbes } from './redis-stream.ts';
import { tracerProbes } from './tracers.ts';
import { vconStoreProbes } from './vcon-store.ts';

/** What was found of one key of the configuration. */
export interface Diagnosis {
  readonly about: string;
  readonly findings: readonly Finding[];
}

/** In the order in which they are told. */
const BESIDE_THE_JOURNAL: readonly Probes[] = [
  vconStoreProbes,
  conserverProbes,
  httpReceiverProbes,
  redisStreamProbes,
  otlpProbes,
  fileProbes,
  portProbes,
  tracerProbes,
];

/** The part of its time that a probe has for a single wait: it is to say itself what did not answer. */
const SHARE = 0.9;

/**
 * Looks at everything that a configuration names, at the same time. Nothing is started and nothing changed. Never rejects.
 * @param timeout milliseconds that each thing may take
 */
export async function diagnose(loaded: LoadedConfig, timeout: number): Promise<readonly Diagnosis[]> {
  const ask = (probes: Probes): Promise<Diagnosis[]> =>
    Promise.all(probes(loaded, Math.ceil(timeout * SHARE)).map((probe) => examined(probe, timeout)));
  const beside = await Promise.all(BESIDE_THE_JOURNAL.map(ask));
  // SQLite keeps this thread busy: the answers of others must not be late for that.
  const journal = await ask(journalProbes);
  return [...(await ask(environmentProbes)), ...journal, ...beside.flat()];
}

async function examined({ about, look }: Probe, timeout: number): Promise<Diagnosis> {
  try {
    return { about, findings: await withDeadline(look(), timeout, 'this') };
  } catch (error) {
    const isLate = error instanceof VconOtelError && error.code === 'TIMEOUT';
    const text = isLate
      ? `no answer within ${timeout / 1e3} s`
      : `it could not be looked at (${errorType(error)})`;
    return { about, findings: [fault(text)] };
  }
}
