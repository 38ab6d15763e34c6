import { existsSync, statSync } from 'node:fs';
import { VconOtelError } from '../../model/error.ts';
import type {
  AttestationFinding,
  ChainLayout,
  CheckedAttestations,
  EnvelopeKey,
  LayoutFault,
  LinkStatement,
} from '../../tracers/attest/verify/index.ts';
import { cleanText, print, safeJson } from '../timeline/index.ts';
import {
  type AuditSettings,
  EXIT,
  openLedgerPart,
  requireDirectory,
  requireText,
  trustedKeys,
} from './audited-ledger.ts';
import { shownProgress } from './shown-progress.ts';

/** Loaded only when needed. */
const openAttestPart = () => import('../../tracers/attest/verify/index.ts');

interface AttestOptions {
  readonly key?: readonly string[];
  readonly layout?: readonly string[];
  readonly layoutKey?: readonly string[];
  readonly ledger?: string;
  readonly ledgerKey?: readonly string[];
  readonly tracer: string;
  readonly vcon?: string;
  readonly json?: true;
}

/** `vcon-otel audit attest`: verifies the attestations of a tracer, and compares them with layouts and a ledger. @throws VconOtelError */
export async function attest(
  directory: string | undefined,
  options: AttestOptions,
  { stdout, stderr, exit }: AuditSettings,
): Promise<void> {
  if (directory === undefined || !statSync(directory, { throwIfNoEntry: false })?.isDirectory())
    throw new VconOtelError('FILE_UNUSABLE', `there is no directory ${directory ?? ''}`);
  const { attestationFiles, checkAttestations, keyBeside, attesterKeys } = await openAttestPart();
  if (attestationFiles(directory).length === 0)
    throw new VconOtelError('FILE_UNUSABLE', `there are no attestations in ${directory}`);
  const layouts = options.layout && (await layoutsOf(options.layout, options.layoutKey));
  if (layouts && 'fault' in layouts) {
    stderr.write(`vcon-otel: nothing is compared: ${layouts.reason}\n`);
    exit(EXIT[layouts.fault]);
    return;
  }
  const vcon = options.vcon === undefined ? undefined : await keyOfVcon(options.vcon, options.ledger);
  if (options.vcon !== undefined && !vcon) {
    stderr.write(
      'vcon-otel: there is no key of this vCon: it was destroyed, or nothing was attested of it. No attestation says by itself of which vCon it is\n',
    );
    exit(EXIT.tampered);
    return;
  }
  const given = options.key ? await publicKeysOf(options.key) : undefined;
  const keys = given ?? (layouts ? attesterKeys([...layouts.values()]) : keyBeside(directory));
  const progress = shownProgress(
    stderr,
    LONG,
    (percent, all) => `${percent} % of ${(all / 1e6).toFixed(1)} MB are read`,
  );
  const checked = checkAttestations({
    directory,
    keys,
    layouts,
    recorded: options.ledger === undefined ? undefined : await recordedIn(options.ledger, options),
    vcon,
    progress,
  });
  exit(exitCodeOf(checked));
  const lines = options.json ? [`${safeJson(jsonOf(checked))}\n`] : await linesOf(checked);
  await print(stdout, lines);
  if (!given && !layouts)
    stderr.write(
      'vcon-otel: checked with the key beside the attestations; --key with one kept elsewhere proves more\n',
    );
}

/** Keys as given on the command line: each is the key itself, or a file that holds it. @throws VconOtelError */
export async function publicKeysOf(given: readonly string[]): Promise<EnvelopeKey[]> {
  const { givenKey } = await openAttestPart();
  return given.map((key) => givenKey(existsSync(key) ? requireText(key) : key));
}

/** The layouts by their chains, or why one of them cannot be used. @throws VconOtelError */
async function layoutsOf(
  files: readonly string[],
  layoutKeys: readonly string[] | undefined,
): Promise<Map<string, ChainLayout> | LayoutFault> {
  if (!layoutKeys)
    throw new VconOtelError(
      'OPTIONS_INVALID',
      '--layout needs --layout-key: the public key of who signed it',
    );
  const { readLayout } = await openAttestPart();
  const keys = await publicKeysOf(layoutKeys);
  const layouts = new Map<string, ChainLayout>();
  for (const file of files) {
    const layout = readLayout(requireText(file), keys, Date.now());
    if ('fault' in layout) return { ...layout, reason: `${file} ${layout.reason}` };
    if (layouts.has(layout.chain))
      throw new VconOtelError('OPTIONS_INVALID', `${file}: there is another layout of the same chain`);
    layouts.set(layout.chain, layout);
  }
  return layouts;
}

/** @throws VconOtelError where the ledger is not intact */
async function recordedIn(ledger: string, { ledgerKey, tracer }: AttestOptions) {
  const { recordedReceipts, verdictLines } = await openLedgerPart();
  const path = requireDirectory(ledger);
  const recorded = recordedReceipts(path, await trustedKeys(path, ledgerKey), new Set([tracer]));
  if (recorded.verdict.verdict === 'intact' || recorded.verdict.verdict === 'torn') return recorded;
  const [head = ''] = verdictLines(recorded.verdict, path);
  throw new VconOtelError('LEDGER_DAMAGED', `nothing can be compared with this ledger: ${cleanText(head)}`);
}

/** The key of a vCon, if there is one. @throws VconOtelError */
async function keyOfVcon(given: string, ledger: string | undefined): Promise<Buffer | undefined> {
  if (ledger === undefined)
    throw new VconOtelError(
      'OPTIONS_INVALID',
      '--vcon needs --ledger: the directory that has the keys of vCons',
    );
  const { KeyStore, knownVcon } = await openLedgerPart();
  return new KeyStore(ledger).read(knownVcon(ledger, given) ?? given);
}

/** The worst of what was found. */
function exitCodeOf({ findings, found, torn }: CheckedAttestations): number {
  const has = (name: AttestationFinding['finding']) => findings.some(({ finding }) => finding === name);
  if (has('bad_signature')) return EXIT.bad_signature;
  if (has('unknown_key')) return EXIT.unknown_key;
  if (found > 0) return EXIT.tampered;
  return torn > 0 ? EXIT.torn : EXIT.intact;
}

function jsonOf({ findings, found, steps, ...counts }: CheckedAttestations) {
  return {
    verdict: found > 0 ? 'refused' : 'verified',
    ...counts,
    found,
    findings,
    ...(steps.length > 0 ? { statements: steps } : {}),
  };
}

async function linesOf(checked: CheckedAttestations): Promise<string[]> {
  const { ATTESTATION_FINDINGS } = await openAttestPart();
  const { attestations, runs, open, repeats, torn, uncompared, older, findings, found, steps } = checked;
  const told = (count: number, what: string) => (count > 0 ? [`  ${count} ${what}`] : []);
  return [
    ...steps.map(stepLine),
    ...findings.map(
      ({ finding, run, chain, step, at }) =>
        `✗ ${[chain && `chain ${chain}`, step && `step ${step}`, run && `run ${run}`, at].filter(Boolean).join(', ') || 'an attestation'} ${ATTESTATION_FINDINGS[finding]} (${finding})`,
    ),
    ...told(found - findings.length, 'findings more'),
    `${found > 0 ? '✗ refused' : '✓ verified'}: ${attestations} attestations of ${runs} runs, ${found} findings`,
    ...told(open, 'runs have no attested end: they are under way, or what came last was taken away'),
    ...told(
      uncompared,
      'steps whose document cannot be compared with what the step before left: it was not hashed',
    ),
    ...told(repeats, 'lines that say again what another says'),
    ...told(older, 'that are older than what the ledger, or the oldest file, has: nothing proves them'),
    ...told(torn, 'lines that a crash left unfinished'),
  ].map((line) => `${cleanText(line)}\n`);
}

function stepLine({ predicate: { name, byproducts, environment } }: LinkStatement): string {
  const { started, ended, outcome } = byproducts;
  const what = environment.stage === 'chain' ? `end of chain ${name}` : `${environment.chain} ${name}`;
  return `  ${started ?? ''.padEnd(24)}  ${ended}  ${what}: ${outcome}  run ${environment.run_id}`;
}

/** Bytes; less is read at once. */
const LONG = 8e6;
