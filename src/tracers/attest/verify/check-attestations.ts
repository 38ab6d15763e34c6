import { createHmac } from 'node:crypto';
import type { RecordedReceipts } from '../../../ledger/index.ts';
import { attestationFiles, envelopeLines, lineHash } from '../attestation-files.ts';
import { type EnvelopeKey, opened } from '../dsse.ts';
import { VCON } from '../keyed-digests.ts';
import { digestOf, LinkStatement } from '../statement.ts';
import { checkRun } from './check-run.ts';
import type { AttestationFinding } from './finding.ts';
import type { ChainLayout } from './layout.ts';

/** What code passes to {@link checkAttestations}. */
export interface CheckSettings {
  readonly directory: string;
  /** The keys that are trusted. */
  readonly keys: readonly EnvelopeKey[];
  /** What chains have to be, by their names; absent: what the runs say. */
  readonly layouts?: ReadonlyMap<string, ChainLayout> | undefined;
  /** What a ledger has recorded of these attestations. */
  readonly recorded?: Pick<RecordedReceipts, 'receipts' | 'since'> | undefined;
  /** Only runs of the vCon with this key. */
  readonly vcon?: Buffer | undefined;
  /** Hears of the bytes that were read. */
  progress(done: number, all: number): void;
}

/** What attestations were found to be. */
export interface CheckedAttestations {
  /** Those that verify, each event once. */
  attestations: number;
  runs: number;
  /** Runs whose end is not attested: they may be under way. */
  open: number;
  /** Lines that say again what another says. */
  repeats: number;
  /** Lines that a crash left unfinished. */
  torn: number;
  /** Steps of which nobody knows whether their document is what the step before left. */
  uncompared: number;
  /** Attestations from before the first that the ledger has recorded, and recorded ones from before the oldest file. */
  older: number;
  /** The worst first within each run; the first 1,000. */
  readonly findings: AttestationFinding[];
  /** How many findings there are. */
  found: number;
  /** With `vcon`: what was done to it, in order. */
  readonly steps: LinkStatement[];
}

/** Verifies what a tracer has kept. In memory is what is attested of all runs, about a kilobyte for each. */
export function checkAttestations(settings: CheckSettings): CheckedAttestations {
  const { directory, keys, layouts, recorded, vcon, progress } = settings;
  const checked: CheckedAttestations = {
    ...{ attestations: 0, runs: 0, open: 0, repeats: 0, torn: 0, uncompared: 0, older: 0, found: 0 },
    findings: [],
    steps: [],
  };
  const find = (finding: AttestationFinding) => {
    checked.found += 1;
    if (checked.findings.length < MAX_FINDINGS) checked.findings.push(finding);
  };
  const runs = new Map<string, Map<string, LinkStatement>>();
  const unseen = new Map(recorded?.receipts);
  const files = attestationFiles(directory);
  const all = files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const file of files) {
    let number = 0;
    for (const { text, whole, end } of envelopeLines(file)) {
      number += 1;
      if (number % LINES === 0) progress(before + end, all);
      const at = `${file.name}:${number}`;
      const envelope = opened(text, keys);
      if (envelope.state === 'malformed' && !isWholeJson(text)) {
        checked.torn += 1;
        continue;
      }
      const statement =
        envelope.state === 'malformed' ? undefined : LinkStatement.safeParse(envelope.payload).data;
      if (!statement || !whole) {
        find({ finding: 'malformed', at });
        continue;
      }
      const { name, environment } = statement.predicate;
      const { chain, run_id: run } = environment;
      const about = { run, chain, step: name, at };
      if (envelope.state === 'signed' && !mayAttest(envelope.by, layouts?.get(chain)))
        find({ finding: 'unknown_key', ...about });
      else if (envelope.state !== 'signed')
        find({ finding: envelope.state === 'bad_signature' ? 'bad_signature' : 'unknown_key', ...about });
      else {
        const isRecorded = unseen.delete(lineHash(text)) || recorded?.receipts.has(lineHash(text));
        if (recorded && !isRecorded) {
          const isOlder =
            recorded.since === undefined || statement.predicate.byproducts.ended < recorded.since;
          if (isOlder) checked.older += 1;
          else find({ finding: 'unrecorded', ...about });
        }
        const said = runs.get(run) ?? new Map<string, LinkStatement>();
        runs.set(run, said);
        const words = lineHash(JSON.stringify(statement));
        if (said.has(words)) checked.repeats += 1;
        else said.set(words, statement);
      }
    }
    before += file.size;
    progress(before, all);
  }
  const oldest = files[0]?.day;
  for (const [, { day }] of unseen)
    if (oldest !== undefined && day < oldest) checked.older += 1;
    else find({ finding: 'missing' });
  const name = vcon && createHmac('sha256', vcon).update(VCON).digest('hex');
  for (const said of runs.values()) {
    const statements = [...said.values()];
    if (name !== undefined && !statements.some((statement) => isOf(statement, name))) continue;
    const chain = statements[0]?.predicate.environment.chain ?? '';
    const layout = layouts?.get(chain);
    const { findings, ended, uncompared } = checkRun(statements, layouts ? (layout?.steps ?? []) : undefined);
    findings.forEach(find);
    if (layouts && !layout) find({ finding: 'foreign', chain, ...runOf(statements) });
    checked.attestations += statements.length;
    checked.runs += 1;
    checked.open += ended ? 0 : 1;
    checked.uncompared += uncompared;
    if (vcon) checked.steps.push(...statements);
  }
  return checked;
}

/** Findings that are told one by one. */
const MAX_FINDINGS = 1_000;
/** Lines between two calls of `progress`. */
const LINES = 1_000;

function runOf([first]: readonly LinkStatement[]): { readonly run: string } {
  return { run: first?.predicate.environment.run_id ?? '' };
}

function mayAttest({ keyid }: EnvelopeKey, layout: ChainLayout | undefined): boolean {
  return !layout || layout.keyids.has(keyid);
}

function isOf({ subject, predicate }: LinkStatement, digest: string): boolean {
  return digestOf(subject, 'vcon') === digest || digestOf(predicate.materials, 'vcon') === digest;
}

/** A line that a crash has cut does not end as JSON does. */
function isWholeJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
