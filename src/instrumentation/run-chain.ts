import type { Chain, Link, Step, Storage } from '../model/chain.ts';
import { withDeadline } from '../model/deadline.ts';
import { VconOtelError } from '../model/error.ts';
import type { ChainOutcome } from '../model/event.ts';
import type { QueuedVcon, VconQueue, VconStore } from '../model/vcon.ts';
import { type ChainRun, traceChain } from './trace-chain.ts';

/** What the chain runner needs. */
export interface RunChainSettings {
  readonly vcons: VconStore;
  readonly queue: VconQueue;
  /** The list the vCon came from; its dead letters go to `DLQ:<ingress list>`. */
  readonly ingressList?: string;
  /** Milliseconds that a single link, storage or step of the queue may take. Default: no limit. */
  readonly timeout?: number;
  /** Adds stack frames to exception events. Default false. */
  readonly stackTraces?: boolean;
}

/** The outcome of a vCon in a chain. */
export interface RunChainResult {
  readonly outcome: Exclude<ChainOutcome, 'unknown'>;
  /** The uuid it left the chain with. */
  readonly vconUuid: string;
  /** The error, if `outcome` is `error`, or if a fail-closed tracer refused the end of the run. */
  readonly error?: unknown;
  /** Whether the vCon was put among the dead letters. */
  readonly deadLettered: boolean;
}

/**
 * Runs a vCon through a chain as the conserver documents it (CONSERVER §3): links in sequence until one halts
 * or raises; then the egress lists, each with the context before the uuid; then the storages, in parallel. A
 * link that raises sends the vCon to the dead letters; a storage that fails changes nothing else.
 *
 * If a tracer has `dlq_vcon_on_error`, the run waits at each step until that tracer has heard everything so
 * far, and its failure is a failure of the chain. No other tracer is ever waited for.
 * @throws VconOtelError `STORE_UNAVAILABLE` if the dead letter could not be written: the caller still holds the vCon
 */
export async function runChain(
  chain: Chain,
  vcon: QueuedVcon,
  settings: RunChainSettings,
): Promise<RunChainResult> {
  let run: ChainRun | undefined;
  try {
    await traceChain(tracedChain(chain, vcon, settings), vcon.uuid, async (started) => {
      run = started;
      await passThrough(chain, run, settings);
    });
    await heard(run);
    return { outcome: run?.outcome ?? 'complete', vconUuid: run?.vconUuid ?? vcon.uuid, deadLettered: false };
  } catch (error) {
    // The tracer that must hear everything should hear of the failure too; if it fails again, nothing changes.
    await heard(run)?.catch(() => undefined);
    const deadLettered = await deadLetter(vcon.uuid, error, settings);
    return { outcome: 'error', vconUuid: run?.vconUuid ?? vcon.uuid, error, deadLettered };
  }
}

async function passThrough(chain: Chain, run: ChainRun, settings: RunChainSettings): Promise<void> {
  await heard(run);
  for (const link of chain.links) {
    const vconUuid = await run.link(link.name, (uuid) =>
      inTime('link', link, settings, (step) => link.run(uuid, step)),
    );
    await heard(run);
    if (vconUuid === undefined) return;
  }
  for (const list of chain.egressLists ?? [])
    await withDeadline(
      settings.queue.push(list, run.vconUuid, run.queuedContext),
      settings.timeout ?? Number.POSITIVE_INFINITY,
      `egress to ${list}`,
    );
  await Promise.all(
    (chain.storages ?? []).map((storage) =>
      run.storage(tracedStorage(storage), (uuid) =>
        inTime('storage', storage, settings, (step) => storage.save(uuid, step)),
      ),
    ),
  );
  await heard(run);
}

function heard(run: ChainRun | undefined): Promise<void> | undefined {
  return run?.delivered();
}

async function deadLetter(
  vconUuid: string,
  reason: unknown,
  { ingressList, queue, timeout = Number.POSITIVE_INFINITY }: RunChainSettings,
): Promise<boolean> {
  if (ingressList === undefined) return false;
  try {
    await withDeadline(queue.deadLetter(ingressList, vconUuid), timeout, 'writing the dead letter');
    return true;
  } catch (error) {
    throw new VconOtelError('STORE_UNAVAILABLE', 'a failed vCon could not be put among the dead letters', {
      cause: new AggregateError([error, reason]),
    });
  }
}

async function inTime<T>(
  stage: 'link' | 'storage',
  { name, options = {} }: Link | Storage,
  { vcons, timeout }: RunChainSettings,
  body: (step: Step) => T | Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const work = async () => body({ name, options, vcons, signal: abort.signal });
  if (timeout === undefined) return work();
  try {
    return await withDeadline(work(), timeout, `${stage} ${name}`);
  } catch (error) {
    abort.abort();
    throw error;
  }
}

function tracedChain(chain: Chain, vcon: QueuedVcon, settings: RunChainSettings) {
  return {
    name: chain.name,
    links: chain.links.map((link) => link.name),
    stackTraces: settings.stackTraces ?? false,
    ...(settings.ingressList === undefined ? {} : { ingressList: settings.ingressList }),
    ...(vcon.context === undefined ? {} : { queuedBy: vcon.context }),
  };
}

function tracedStorage({ name, peerService, dbSystemName }: Storage) {
  return {
    name,
    ...(peerService === undefined ? {} : { peerService }),
    ...(dbSystemName === undefined ? {} : { dbSystemName }),
  };
}
