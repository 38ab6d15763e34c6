import { statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { openDoors } from '../../incoming/listening.ts';
import type { LedgerReport, MonitorFindingName, WatchedPlace } from '../../ledger/index.ts';
import { VconOtelError } from '../../model/error.ts';
import { httpUrl } from '../../model/options/values.ts';
import { parseDelay, parseLimit } from '../arguments.ts';
import { cleanText, print, safeJson } from '../timeline/index.ts';
import {
  type AuditSettings,
  EXIT,
  openLedgerPart,
  reporting,
  requireText,
  verifiersOf,
} from './audited-ledger.ts';
import { quorumOf, takesWitnesses, type WitnessChoice } from './witness-options.ts';

/** `vcon-otel audit monitor`: watches ledgers from outside until a signal comes, or looks once. */
export function monitorCommand(settings: AuditSettings): Command {
  const several = (value: string, before: readonly string[] = []) => [...before, value];
  return takesWitnesses(new Command('monitor'))
    .description('watch ledgers from outside: what each shows must agree with what it showed before')
    .argument('<ledgers...>', 'directories of ledgers, or URLs of places that serve their files')
    .requiredOption(
      '--key <vkey>',
      'the verifier key, or a file that holds it; repeat it for another ledger',
      several,
    )
    .addOption(
      new Option('--every <duration>', 'how long to wait between two rounds')
        .argParser(parseDelay)
        .default(60_000, '60s'),
    )
    .option('--once', 'look once, and say by the exit code what was found')
    .addOption(
      new Option('--samples <n>', 'how many records to look at in a round, beside the newest')
        .argParser(parseLimit)
        .default(8),
    )
    .option('--state <directory>', 'where to keep what was seen', './data/monitor')
    .option(
      '--allow-private-host <host>',
      'a host that may have a private address; repeat it for another',
      several,
    )
    .option('--token-file <file>', 'a file with the bearer token that the URLs ask for, all of one host')
    .addOption(
      new Option('--metrics-port <port>', 'serve /metrics and /healthz there')
        .argParser(parsePort)
        .conflicts('once'),
    )
    .option('--metrics-host <host>', 'at this address', '127.0.0.1')
    .option('--json', 'print one JSON object a line: for each ledger of a round, and for each finding')
    .action((ledgers: string[], options: MonitorOptions) =>
      reporting(settings, () => monitor(ledgers, options, settings)),
    );
}

interface MonitorOptions extends WitnessChoice {
  readonly key: readonly string[];
  readonly every: number;
  readonly once?: true;
  readonly samples: number;
  readonly state: string;
  readonly allowPrivateHost?: readonly string[];
  readonly tokenFile?: string;
  readonly metricsPort?: number;
  readonly metricsHost: string;
  readonly json?: true;
}

async function monitor(
  ledgers: readonly string[],
  options: MonitorOptions,
  { stdout, stderr, signal, exit }: AuditSettings,
): Promise<void> {
  const { LedgerMonitor, placeAtUrl, placeInDirectory } = await openLedgerPart();
  const placeOf = (ledger: string): WatchedPlace => {
    const url = urlOf(ledger);
    return url ? placeAtUrl(url, options.allowPrivateHost ?? [], undefined, token) : placeInDirectory(ledger);
  };
  const token = tokenFor(ledgers, options);
  const places = [...new Map(ledgers.map(placeOf).map((place) => [place.name, place])).values()];
  const watching = new LedgerMonitor({
    places,
    verifiers: await verifiersOf(options.key),
    quorum: await askedQuorum(options),
    maxAge: options.maxAge,
    samples: options.samples,
    directory: options.state,
  });
  const ending = new AbortController();
  // Once, nothing is left to be ended in order.
  const ended = options.once ? new Promise<void>(() => {}) : signal().then(() => ending.abort());
  const metrics = await measured(options, places, stderr).catch(async (error: unknown) => {
    await watching.close();
    throw error;
  });
  try {
    do {
      const reports = await Promise.race([watching.round(), ended]);
      if (!reports) return;
      metrics?.heard(reports);
      const isRead = await print(stdout, reports.flatMap(options.json ? jsonLines : textLines));
      if (options.once) exit(codeOf(reports));
      if (options.once || !isRead) return;
      await pause(options.every, undefined, { signal: ending.signal }).catch(() => undefined);
    } while (!ending.signal.aborted);
  } finally {
    await watching.close();
    await metrics?.close();
  }
}

/** The url of a place that serves a ledger; undefined for a directory. @throws VconOtelError */
function urlOf(ledger: string): URL | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(ledger)) {
    if (statSync(ledger, { throwIfNoEntry: false })?.isFile())
      throw new VconOtelError('OPTIONS_INVALID', `${ledger} is a file: a ledger is a directory, or a URL`);
    return undefined;
  }
  const url = httpUrl.safeParse(ledger).success ? new URL(ledger) : undefined;
  if (url && url.username === '' && url.password === '' && url.search === '' && url.hash === '') return url;
  throw new VconOtelError(
    'OPTIONS_INVALID',
    'the URL of a ledger begins with http:// or https://, and has no user, no query and no fragment',
  );
}

/** The token of a file, which is shown to one host, and to nobody on the way. @throws VconOtelError */
function tokenFor(
  ledgers: readonly string[],
  { tokenFile, allowPrivateHost = [] }: MonitorOptions,
): string | undefined {
  if (tokenFile === undefined) return undefined;
  const urls = ledgers.flatMap((ledger) => urlOf(ledger) ?? []);
  const isPlain = urls.some(
    ({ protocol, hostname }) => protocol === 'http:' && !allowPrivateHost.includes(hostname),
  );
  if (isPlain || new Set(urls.map(({ host }) => host)).size !== 1)
    throw new VconOtelError(
      'OPTIONS_INVALID',
      'a token is for URLs of one host, by https://, or by http:// where --allow-private-host names it',
    );
  const token = requireText(tokenFile).trim();
  if (/^[\w.~+/-]+=*$/.test(token)) return token;
  throw new VconOtelError('OPTIONS_INVALID', `${tokenFile} holds no bearer token`);
}

/** `--max-age` is also for the ledgers themselves. @throws VconOtelError */
function askedQuorum({ witness, quorum, maxAge }: MonitorOptions) {
  return witness || quorum !== undefined
    ? quorumOf({
        ...(witness && { witness }),
        ...(quorum !== undefined && { quorum }),
        ...(maxAge !== undefined && { maxAge }),
      })
    : undefined;
}

/** Loaded only where it is wanted. */
async function measured(
  { metricsPort: port, metricsHost: host }: MonitorOptions,
  places: readonly WatchedPlace[],
  stderr: NodeJS.WritableStream,
) {
  if (port === undefined) return undefined;
  for (const remark of openDoors({ host, allow_anonymous: true })) stderr.write(`vcon-otel: ${remark}\n`);
  const { serveMonitorMetrics } = await import('./monitor-metrics.ts');
  const metrics = await serveMonitorMetrics(
    { host, port },
    places.map(({ name }) => name),
  );
  stderr.write(`vcon-otel: metrics are on ${metrics.url}\n`);
  return metrics;
}

const CODES: Readonly<Record<MonitorFindingName, number>> = {
  LEDGER_FORKED: EXIT.rolled_back,
  LEDGER_ROLLED_BACK: EXIT.rolled_back,
  RECORD_NOT_INCLUDED: EXIT.tampered,
  RECORD_MISSING: EXIT.tampered,
  TILES_DAMAGED: EXIT.tampered,
  ORIGIN_CHANGED: EXIT.tampered,
  CHECKPOINT_INVALID: EXIT.tampered,
  BAD_SIGNATURE: EXIT.bad_signature,
  UNKNOWN_KEY: EXIT.unknown_key,
  CHECKPOINT_MISSING: EXIT.unsigned,
  QUORUM_MISSING: EXIT.not_witnessed,
  CHECKPOINT_STALE: EXIT.stale,
  UNREACHABLE: EXIT.unreachable,
};

/** Of the worst that was found. */
function codeOf(reports: readonly LedgerReport[]): number {
  const found = new Set(reports.flatMap(({ findings }) => findings.map(({ name }) => name)));
  const [, code] = Object.entries(CODES).find(([name]) => found.has(name as MonitorFindingName)) ?? [];
  return code ?? EXIT.intact;
}

function textLines(report: LedgerReport): string[] {
  const { place, time, origin, size, grownFrom, keyChanges, sampled, findings } = report;
  const at = new Date(time).toISOString();
  const ledger = origin === undefined ? place : `${origin} (${place})`;
  const more = grownFrom === undefined ? 'seen for the first time' : `${(size ?? 0) - grownFrom} more`;
  const lines =
    findings.length === 0
      ? [`✓ ${ledger}: ${size} records, ${more}, ${sampled} looked at`]
      : findings.map(
          ({ name, text, evidence }) =>
            `✗ ${ledger}: ${name}: ${text}${evidence === undefined ? '' : `; both are in ${evidence}`}`,
        );
  const changed = keyChanges.map(
    ({ seq, former, next }) =>
      `! ${ledger}: record ${seq} changed the key ${former.id} for ${next.id}, signed by both`,
  );
  return [...changed, ...lines].map((line) => `${at} ${cleanText(line)}\n`);
}

function jsonLines(report: LedgerReport): string[] {
  const { place, origin, size, grownFrom, keyChanges, age, quorumAge, sampled, findings } = report;
  const time = new Date(report.time).toISOString();
  const seconds = (milliseconds: number | undefined) =>
    milliseconds === undefined ? null : milliseconds / 1e3;
  const round = {
    kind: 'round',
    time,
    ledger: place,
    origin: origin ?? null,
    size: size ?? null,
    grown_from: grownFrom ?? null,
    age: seconds(age),
    quorum_age: seconds(quorumAge),
    key_changes: keyChanges.map(({ seq, former, next }) => ({ seq, former: former.id, next: next.id })),
    sampled,
    findings: findings.map(({ name }) => name),
  };
  const found = findings.map(({ name, text, evidence }) => ({
    kind: 'finding',
    time,
    ledger: place,
    origin: origin ?? null,
    name,
    text,
    evidence: evidence ?? null,
  }));
  return [round, ...found].map((line) => `${safeJson(line)}\n`);
}

/** @throws InvalidArgumentError */
function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('It is a port number.');
}
