import { existsSync } from 'node:fs';
import type { LedgerState, ProofVerdict, Verdict, Verifier } from '../../ledger/index.ts';
import { VconOtelError } from '../../model/error.ts';
import { cleanText, print, safeJson } from '../timeline/index.ts';
import { type AuditSettings, EXIT, openLedgerPart, requireDirectory, requireText } from './audited-ledger.ts';

interface VerifyOptions {
  readonly key?: readonly string[];
  readonly since?: string;
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
  const { isComplete, isLedgerInUse, readHeads, verdictJson, verdictLines, verifierBeside, verifyLedger } =
    await openLedgerPart();
  const verifiers = options.key ? await verifiersOf(options.key) : verifierBeside(directory);
  const since = options.since === undefined ? [] : readHeads(requireText(options.since));
  const inUse = isLedgerInUse(directory);
  const mustBeSigned = options.key !== undefined || options.since !== undefined;
  const withKeys = !options.withoutKeys;
  const verdict = verifyLedger({ directory, verifiers, since, mustBeSigned, withKeys, inUse });
  settings.exit(EXIT[options.strict ? strictly(verdict, isComplete(verdict, inUse)) : verdict.verdict]);
  if (options.json) await print(settings.stdout, [`${safeJson(verdictJson(verdict, inUse))}\n`]);
  else
    await print(
      settings.stdout,
      verdictLines(verdict, directory).map((line) => `${cleanText(line)}\n`),
    );
  if (!options.key)
    settings.stderr.write(
      'vcon-otel: checked with the key beside the ledger; --key with one kept elsewhere proves more\n',
    );
}

/** With `--strict`, what an intact ledger does not show counts as what it may hide. */
function strictly({ verdict, agreed }: Verdict, isComplete: boolean): LedgerState {
  if (verdict !== 'intact') return verdict;
  if (!isComplete) return 'tampered';
  return agreed === undefined ? 'rolled_back' : 'intact';
}

async function verifyProof(
  file: string,
  { key, document, json }: VerifyOptions,
  settings: AuditSettings,
): Promise<void> {
  const { checkProof } = await openLedgerPart();
  if (!key) throw new VconOtelError('OPTIONS_INVALID', 'a proof needs --key: the verifier key of the ledger');
  const verifiers = await verifiersOf(key);
  const text = document === undefined ? undefined : requireText(document);
  const verdict = checkProof(requireText(file), verifiers, text);
  settings.exit(
    verdict.verdict === 'proven'
      ? EXIT.intact
      : verdict.verdict === 'refused'
        ? EXIT.tampered
        : EXIT.unknown_key,
  );
  await print(settings.stdout, json ? [`${safeJson(verdict)}\n`] : proofLines(verdict, text !== undefined));
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
  const { covers } = verdict;
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

/** Keys as given on the command line: each is the key itself, or a file that holds it. */
async function verifiersOf(keys: readonly string[]): Promise<Verifier[]> {
  const { parseVerifierKey } = await openLedgerPart();
  return keys.map((key) => parseVerifierKey((existsSync(key) ? requireText(key) : key).trim()));
}
