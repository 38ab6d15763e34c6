import type { MeterProvider } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import type { LoadedConfig } from '../config.ts';
import type { Journal } from '../journal/journal.ts';
import { Issues } from '../model/issues.ts';
import { RarelyLogged } from '../model/rarely-logged.ts';
import {
  type HttpReceiver,
  measureReceivers,
  type RECEIVER_OUTCOMES,
  type ReceiverIssue,
  type RedisStreamReceiver,
  type RedisStreamStats,
  RunAssembler,
  startHttpReceiver,
  startRedisStreamReceiver,
  Tally,
} from '../receivers/index.ts';
import { type ConserverChains, watchConserverChains } from './conserver-chains.ts';

/** Receivers that are running, and the assembler behind them. */
export interface Receivers {
  readonly httpUrl: string | undefined;
  stats(): ReceiverStats;
  /** Takes nothing more in; answers for what was taken. */
  close(): Promise<void>;
}

/** What arrived from outside so far, and how it stands. */
export interface ReceiverStats {
  /** Runs that are not over. */
  readonly openRuns: number;
  readonly spans: Readonly<Record<(typeof RECEIVER_OUTCOMES)['spans'][number], number>>;
  readonly records: Readonly<Record<(typeof RECEIVER_OUTCOMES)['records'][number], number>>;
  readonly issues: Readonly<Partial<Record<ReceiverIssue, number>>>;
  readonly redisStream: RedisStreamStats | undefined;
}

export interface ReceiverParts {
  readonly bridge: SpanProcessor;
  /** Hear whole runs, beside the bridge. */
  readonly observers: readonly SpanProcessor[];
  readonly journal: Journal;
  readonly meterProvider: MeterProvider;
  readonly conserver: ConserverChains | undefined;
}

/** Whether a configuration names anything that listens. */
export function hasReceivers({ config, environment }: LoadedConfig): boolean {
  const { http, redis_stream: stream } = config.receivers;
  return !environment.disabled && (http !== undefined || stream !== undefined);
}

/** The chains of the Python server's configuration, where ours names it. */
export async function openConserverChains({ config }: LoadedConfig): Promise<ConserverChains | undefined> {
  const { conserver_config: file } = config;
  if (file === undefined) return undefined;
  const log = new RarelyLogged('vcon-otel/receivers');
  return watchConserverChains(file, (detail) => log.warn('conserver_config', `conserver_config: ${detail}`));
}

/**
 * Starts what listens to a Python conserver: what comes in goes through the assembler to the bridge.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`, `FILE_UNUSABLE`
 */
export async function openReceivers(loaded: LoadedConfig, parts: ReceiverParts): Promise<Receivers> {
  const { config } = loaded;
  const { http, redis_stream: stream, assembler: limits } = config.receivers;
  const { journal, conserver, meterProvider, bridge, observers } = parts;
  const tally = new Tally();
  const issues = new Issues<ReceiverIssue>('receivers', new RarelyLogged('vcon-otel/receivers'));
  const assembler = new RunAssembler({
    inbox: await journal.openInbox(),
    bridge,
    observers,
    full: () => journal.full || journal.failing,
    durable: () => journal.durable(),
    plan: (chain) => {
      const known = conserver?.get(chain);
      const ours = config.chains[chain];
      const timeout = ours?.timeout;
      return {
        links: known?.links ?? ours?.links,
        storages: known?.storages ?? ours?.storages,
        timeout: timeout && timeout * 1e3,
      };
    },
    chainWith: (links) =>
      onlyChainWith(links, [...(conserver?.all() ?? []), ...Object.entries(config.chains)]),
    issues,
    settle: limits.settle,
    timeout: limits.timeout,
    maxRuns: limits.max_runs,
  });
  assembler.start();
  let httpReceiver: HttpReceiver | undefined;
  let streamReceiver: RedisStreamReceiver | undefined;
  const close = async () => {
    await Promise.all([httpReceiver?.close(), streamReceiver?.close()]);
    assembler.stop();
  };
  try {
    if (stream)
      streamReceiver = await startRedisStreamReceiver({
        url: streamUrl(loaded),
        stream: stream.stream,
        group: stream.group,
        consumer: stream.consumer,
        claimAfter: stream.claim_after,
        intake: assembler,
        tally,
      });
    if (http)
      httpReceiver = await startHttpReceiver({
        host: http.host,
        port: http.port,
        token: http.token,
        tls: http.tls && { cert: http.tls.cert, key: http.tls.key, clientCa: http.tls.client_ca },
        maxBody: http.max_body,
        headerTimeout: http.header_timeout,
        bodyTimeout: http.body_timeout,
        intake: assembler,
        tally,
      });
  } catch (error) {
    await close();
    throw error;
  }
  const lag = () => streamReceiver?.stats.lag;
  measureReceivers({ tally, issues, runs: () => assembler.runs, lag }, meterProvider);
  return {
    httpUrl: httpReceiver?.url,
    stats: () => ({
      openRuns: assembler.runs,
      spans: tally.all('spans'),
      records: tally.all('records'),
      issues: issues.all(),
      redisStream: streamReceiver?.stats,
    }),
    close,
  };
}

/** The configuration's check has seen to it that one of them is there. */
function streamUrl({ config: { receivers, vcon_store: store } }: LoadedConfig): string {
  return receivers.redis_stream?.url ?? (store.type === 'redis' ? store.url : '');
}

function onlyChainWith(
  links: readonly string[],
  chains: readonly (readonly [string, { readonly links?: readonly string[] | undefined }])[],
): string | undefined {
  const found = new Set<string>();
  for (const [name, chain] of chains)
    if (chain.links?.length === links.length && chain.links.every((link, i) => link === links[i]))
      found.add(name);
  const [name] = found;
  return found.size === 1 ? name : undefined;
}
