import type { LedgerState, ProofVerdict, Verdict, Verifier } from '../../ledger/index.ts';
import { VconOtelError } from '../../model/error.ts';
import { cleanText, print, safeJson } from '../timeline/index.ts';
import {
  type AuditSettings,
  EXIT,
  openLedgerPart,
  requireDirectory,
  requireText,
  trustedKeys,
  verifiersOf,
} from './audited-ledger.ts';
import { isCopy, mirrorAt, mirrorJson, mirrorLines } from './mirror.ts';
import { quorumOf, type WitnessChoice } from './witness-options.ts';

interface VerifyOptions extends WitnessChoice {
  readonly key?: readonly string[];
  readonly since?: string;
  readonly published?: string;
  readonly mirror?: string;
  readonly strict?: true;
  readonly withoutKeys?: true;
  readonly proof?: string;
  readonly document?: string;
  readonly json?: true;
}

/** `vcon-otel audit verify`: checks a ledger, or a bundle of `audit prove`. @throws VconOtelError */
export async function verify(
  directory: string | undefined,
  options: VerifyOptions,
  settings: AuditSettings,
): Promise<void> {
  if (options.proof !== undefined) return verifyProof(options.proof, options, settings);
  if (directory === undefined)
    throw new VconOtelError('OPTIONS_INVALID', 'audit verify needs a directory, or --proof');
  requireDirectory(directory);
  const { isComplete, isLedgerInUse, readHeads, verdictJson, verdictLines, verifyLedger } =
    await openLedgerPart();
  const { attestations, isWitnessed, keptCosigned, publishedSize, witnessedJson, witnessedLines } =
    await openLedgerPart();
  const verifiers = await trustedKeys(directory, options.key);
  const since = options.since === undefined ? [] : readHeads(requireText(options.since));
  const quorum = await quorumOf(options);
  const found = quorum ? attestations(keptCosigned(directory), verifiers, quorum.witnesses) : [];
  const isEnough = !quorum || isWitnessed(found, quorum);
  const inUse = isLedgerInUse(directory);
  const mustBeSigned = (options.key ?? options.since ?? options.witness) !== undefined;
  const withKeys = !options.withoutKeys;
  const mirror =
    options.mirror === undefined ? undefined : await compareWith(options.mirror, directory, verifiers);
  // What a mirror has of this ledger's checkpoints was kept elsewhere as well.
  if (mirror?.compared.head) since.push(mirror.compared.head);
  const all = [...since, ...found.map(({ head }) => head)];
  const compared = verifyLedger({ directory, verifiers, since: all, mustBeSigned, withKeys, inUse });
  // Whoever puts an older copy back puts back what witnesses had cosigned by then: only its age tells.
  const isRecent = quorum?.maxAge !== undefined && isEnough;
  const { agreed, ...others } = compared;
  const own: Verdict = since.length > 0 || isRecent ? compared : others;
  const verdict = await withPublished(own, directory, options.published, verifiers);
  const state = options.strict ? strictly(verdict, isComplete(verdict, inUse)) : verdict.verdict;
  const isMirrored = !mirror || isCopy(mirror.compared);
  const doubt = isMirrored ? (isEnough ? 'intact' : 'not_witnessed') : 'mirror_differs';
  settings.exit(EXIT[state === 'intact' ? doubt : state]);
  if (options.json) {
    const witnessed = quorum ? { witnessed: witnessedJson(found, quorum) } : {};
    const published = options.published === undefined ? {} : { published: publishedSize(options.published) };
    const mirrored = mirror ? { mirror: mirrorJson(mirror.compared, mirror.own) } : {};
    await print(settings.stdout, [
      `${safeJson({ ...verdictJson(verdict, inUse), ...witnessed, ...published, ...mirrored })}\n`,
    ]);
  } else
    await print(
      settings.stdout,
      [
        ...verdictLines(verdict, directory),
        ...(options.published === undefined ? [] : publishedLines(publishedSize(options.published), verdict)),
        ...(quorum ? witnessedLines(found, quorum) : []),
        ...(mirror ? mirrorLines(mirror.compared, mirror.own) : []),
      ].map((line) => `${cleanText(line)}\n`),
    );
  if (!options.key)
    settings.stderr.write(
      'vcon-otel: checked with the key beside the ledger; --key with one kept elsewhere proves more\n',
    );
}

/** Compares with a mirror, and looks what that is by itself. @throws VconOtelError */
async function compareWith(path: string, directory: string, verifiers: readonly Verifier[]) {
  const { compareCopies, verifyLedger } = await openLedgerPart();
  const place = await mirrorAt(path);
  const compared = await compareCopies(directory, place, verifiers);
  // What it has behind its checkpoint is being copied.
  return { compared, own: verifyLedger({ directory: path, verifiers, inUse: true }) };
}

/** What was published of a ledger is looked at only where the ledger itself is what it was. @throws VconOtelError */
async function withPublished(
  own: Verdict,
  directory: string,
  published: string | undefined,
  verifiers: readonly Verifier[],
): Promise<Verdict> {
  if (published === undefined || own.verdict !== 'intact') return own;
  const { publishedFault } = await openLedgerPart();
  const fault = publishedFault(directory, published, verifiers, own.signed);
  return fault ? { ...own, verdict: 'tampered', fault } : own;
}

/** How much of the ledger was published: what came later is not looked at there. */
function publishedLines(size: number, { verdict, signed }: Verdict): string[] {
  if (verdict !== 'intact') return [];
  const more = signed > size ? `; ${signed - size} signed since are not there` : '';
  return [`  ${'published'.padEnd(12)} the same ${size} records${more}`];
}

/** With `--strict`, what an intact ledger does not show counts as what it may hide. */
function strictly({ verdict, agreed, keys, lateRequests }: Verdict, isComplete: boolean): LedgerState {
  if (verdict !== 'intact') return verdict;
  if (!isComplete || (keys?.pending ?? 0) > 0 || lateRequests > 0) return 'tampered';
  return agreed === undefined ? 'rolled_back' : 'intact';
}

async function verifyProof(file: string, options: VerifyOptions, settings: AuditSettings): Promise<void> {
  const { key, document, json } = options;
  const { attestations, checkProof, checkpointOf, isWitnessed, keysOfBundle } = await openLedgerPart();
  const { witnessedJson, witnessedLines } = await openLedgerPart();
  if (!key) throw new VconOtelError('OPTIONS_INVALID', 'a proof needs --key: the verifier key of the ledger');
  const given = await verifiersOf(key);
  const text = document === undefined ? undefined : requireText(document);
  const bundle = requireText(file);
  const verdict = checkProof(bundle, given, text);
  const verifiers = keysOfBundle(bundle, given);
  const quorum = await quorumOf(options);
  const found = quorum ? attestations([checkpointOf(bundle)], verifiers, quorum.witnesses) : [];
  const isEnough = !quorum || isWitnessed(found, quorum);
  settings.exit(
    verdict.verdict === 'proven'
      ? EXIT[isEnough ? 'intact' : 'not_witnessed']
      : verdict.verdict === 'refused'
        ? EXIT.tampered
        : EXIT.unknown_key,
  );
  const witnessed = quorum ? { witnessed: witnessedJson(found, quorum) } : {};
  const lines = quorum ? witnessedLines(found, quorum).map((line) => `${cleanText(line)}\n`) : [];
  await print(
    settings.stdout,
    json
      ? [`${safeJson({ ...proofJson(verdict), ...witnessed })}\n`]
      : [...proofLines(verdict, text !== undefined), ...lines],
  );
}

/** For programs. */
function proofJson(verdict: ProofVerdict) {
  if (verdict.verdict !== 'proven') return verdict;
  const { keyChanges, ...others } = verdict;
  return {
    ...others,
    key_changes: keyChanges.map(({ seq, former, next }) => ({ seq, former: former.id, next: next.id })),
  };
}

/** @param hasDocument a document was given, to be compared */
function proofLines(verdict: ProofVerdict, hasDocument: boolean): string[] {
  if (verdict.verdict !== 'proven') {
    const what = verdict.verdict === 'refused' ? 'refused' : 'unknown key';
    const where = verdict.seq === undefined ? '' : `record ${verdict.seq} `;
    return [`✗ ${what}: ${where}${verdict.reason}\n`];
  }
  const lines = [
    `✓ proven: ${verdict.records} records are in the ledger of ${verdict.size} records of ${verdict.origin}\n`,
  ];
  const { covers, record } = verdict;
  for (const { seq, former, next } of verdict.keyChanges)
    lines.push(`  record ${seq} changed the key ${former.id} for ${next.id}, signed by both\n`);
  if (record !== undefined) lines.push(`  ${cleanText(record)}\n`);
  lines.push(
    covers
      ? `  records ${covers.from} to ${covers.to - 1} were looked through, says whoever made this; only the ledger shows that there are no others\n`
      : '  only the ledger shows that there are no others\n',
  );
  if (hasDocument)
    lines.push(
      verdict.content.length > 0
        ? `  the document matches records ${verdict.content.join(', ')}\n`
        : '  the document matches none of these records\n',
    );
  return lines;
}
