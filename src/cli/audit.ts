import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { LedgerState, ProofVerdict, Verdict, Verifier } from '../ledger/index.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { parseUuid } from './arguments.ts';
import { handOver, operatorOf, takesActor } from './operator.ts';
import { cleanText, print, safeJson } from './timeline/index.ts';

/** What the command needs of the process it runs in. */
export interface AuditSettings {
  /** Gets the requested output and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks. */
  readonly stderr: NodeJS.WritableStream;
  /** The version of this program. */
  readonly version: string;
  /** Sets the exit code of the process. */
  readonly exit: (code: number) => void;
}

/** The exit codes of `audit verify`: part of its interface. */
const EXIT = {
  intact: 0,
  tampered: 1,
  torn: 2,
  unusable: 3,
  unknown_key: 4,
  rolled_back: 5,
  unsigned: 6,
  bad_signature: 7,
  forbidden: 8,
} as const satisfies Record<LedgerState | 'unusable' | 'forbidden', number>;

/**
 * `vcon-otel audit`: checks, proves, erases and exports what a ledger of the compliance tracer holds (docs/ledger.md).
 * It has its own exit codes, which docs/ledger.md lists.
 */
export function auditCommand(settings: AuditSettings): Command {
  const audit = new Command('audit').description(
    'check, prove, erase and export the ledger of the compliance tracer',
  );
  const add = <Options>(name: string, description: string, run: Run<Options>): Command =>
    audit
      .command(name)
      .description(description)
      .action(async (...args: unknown[]) => {
        const [directory, options] =
          args.length === 3 ? (args as [string | undefined, Options]) : [undefined, args[0] as Options];
        await reporting(settings, () => run(directory, options, settings));
      });
  add('verify', 'check a whole ledger, or a proof bundle', verify)
    .argument('[directory]', 'the directory of the ledger')
    .option(
      '--key <vkey>',
      'the verifier key, or a file that holds it; repeat it for another key, after a change of keys',
      (key: string, before: readonly string[] = []) => [...before, key],
    )
    .option(
      '--since <file>',
      'checkpoints that were kept elsewhere (an anchor): the ledger must have grown from them',
    )
    .option('--strict', 'fail where runs are incomplete, or a rollback is not excluded')
    .addOption(
      new Option('--proof <file>', 'check this bundle of `audit prove` instead, offline').conflicts([
        'since',
        'strict',
      ]),
    )
    .option(
      '--document <file>',
      'with --proof: a vCon, to find the records that were made of exactly this document',
    )
    .option('--json', 'print one JSON document');
  takesActor(add('prove', 'print a bundle that proves what the ledger says of a vCon', prove))
    .argument('<directory>', 'the directory of the ledger')
    .requiredOption('--vcon <uuid>', 'the vCon', parseUuid)
    .option('--with-content-key', "include the vCon's key, so that a document can be compared with its hash");
  takesActor(add('shred', "destroy a vCon's key: its content hashes then reveal nothing", shred))
    .argument('<directory>', 'the directory of the ledger')
    .requiredOption('--vcon <uuid>', 'the vCon', parseUuid)
    .option('--key-file <file>', 'the private key, if it is not beside the ledger');
  takesActor(add('export', 'print all records for another system', exportAll))
    .argument('<directory>', 'the directory of the ledger')
    .addOption(
      new Option('--format <format>', 'the output format').choices(['jsonl', 'ocsf', 'cef']).default('jsonl'),
    );
  add('keygen', 'create a private key, and print its verifier key', keygen)
    .requiredOption(
      '--origin <name>',
      'the origin of the ledger that it will sign, such as example.com/audit; or the name of the witness',
    )
    .requiredOption('--out <file>', 'the file for the private key (mode 0600); it must not exist yet')
    .option('--witness', 'print the verifier key of a witness, not that of a ledger');
  return audit;
}

type Run<Options> = (
  directory: string | undefined,
  options: Options,
  settings: AuditSettings,
) => Promise<void>;

/** Loaded only when needed: on Node 22 the mere import of SQLite prints a warning. */
const openLedgerPart = () => import('../ledger/index.ts');

async function reporting({ stderr, exit }: AuditSettings, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const type = errorType(error);
    const isForbidden = type === 'EACCES' || type === 'EPERM';
    const text = isForbidden
      ? `a file may not be read by this user, so nothing was found out (${type}): run the command as the user of the service`
      : `the command failed (${type})`;
    stderr.write(`vcon-otel: ${error instanceof VconOtelError ? error.message : text}\n`);
    exit(isForbidden ? EXIT.forbidden : EXIT.unusable);
  }
}

interface VerifyOptions {
  readonly key?: readonly string[];
  readonly since?: string;
  readonly strict?: true;
  readonly proof?: string;
  readonly document?: string;
  readonly json?: true;
}

async function verify(
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
  const verdict = verifyLedger({ directory, verifiers, since, mustBeSigned, inUse });
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
  if (hasDocument)
    lines.push(
      verdict.content.length > 0
        ? `  the document matches records ${verdict.content.join(', ')}\n`
        : '  the document matches none of these records\n',
    );
  return lines;
}

async function prove(
  directory: string | undefined,
  { vcon, withContentKey, actor }: { vcon: string; withContentKey?: true; actor?: string },
  { stdout, stderr }: AuditSettings,
): Promise<void> {
  const { proveVcon, KeyStore } = await openLedgerPart();
  const path = requireDirectory(directory);
  const key = withContentKey ? await new KeyStore(path).read(vcon) : undefined;
  const bundle = proveVcon(path, vcon, key);
  const deed = { event: 'vcon_proved', vcon_uuid: vcon, with_content_key: withContentKey === true } as const;
  await handOver(path, deed, actor, stderr);
  await print(stdout, [`${safeJson(bundle)}\n`]);
  if (bundle.records.length === 0) stderr.write('vcon-otel: no signed record mentions this vCon\n');
  if (bundle.unsigned > 0)
    stderr.write(
      `vcon-otel: ${bundle.unsigned} records are not signed yet; ask again after the next checkpoint\n`,
    );
}

async function shred(
  directory: string | undefined,
  { vcon, keyFile, actor }: { vcon: string; keyFile?: string; actor?: string },
  settings: AuditSettings,
): Promise<void> {
  const { shredVcon } = await openLedgerPart();
  const path = requireDirectory(directory);
  const { existed, recorded } = await shredVcon(
    path,
    vcon,
    operatorOf(actor),
    (text) => settings.stderr.write(`vcon-otel: ${text}\n`),
    keyFile,
  );
  await print(settings.stdout, [
    existed
      ? 'The key is destroyed: the content hashes of this vCon no longer reveal anything.\n'
      : 'This vCon had no key, and will never get one.\n',
    recorded
      ? 'The ledger has recorded this.\n'
      : 'The service that has the ledger open, or opens it next, records it within its checkpoint interval.\n',
  ]);
}

async function exportAll(
  directory: string | undefined,
  { format, actor }: { format: 'jsonl' | 'ocsf' | 'cef'; actor?: string },
  { stdout, stderr, version }: AuditSettings,
): Promise<void> {
  const { exportRecords } = await openLedgerPart();
  const path = requireDirectory(directory);
  await handOver(path, { event: 'ledger_exported', format }, actor, stderr);
  await print(stdout, exportRecords(path, format, version));
}

async function keygen(
  _directory: string | undefined,
  { origin, out, witness }: { origin: string; out: string; witness?: true },
  { stdout }: AuditSettings,
): Promise<void> {
  const { cosignerOf, generateKey, signerOf, writeKeyFile } = await openLedgerPart();
  if (existsSync(out))
    throw new VconOtelError('FILE_UNUSABLE', `${out} already exists: a key is never overwritten`);
  const pem = generateKey();
  const { vkey } = witness ? cosignerOf(origin, pem) : signerOf(origin, pem);
  writeKeyFile(out, pem);
  await print(stdout, [`${vkey}\n`]);
}

/** Keys as given on the command line: each is the key itself, or a file that holds it. */
async function verifiersOf(keys: readonly string[]): Promise<Verifier[]> {
  const { parseVerifierKey } = await openLedgerPart();
  return keys.map((key) => parseVerifierKey((existsSync(key) ? requireText(key) : key).trim()));
}

function requireDirectory(directory: string | undefined): string {
  if (directory !== undefined && statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    if (existsSync(join(directory, 'segments')) || existsSync(join(directory, 'checkpoints')))
      return directory;
    throw new VconOtelError('FILE_UNUSABLE', `there is no ledger in ${directory}`);
  }
  throw new VconOtelError('FILE_UNUSABLE', `there is no directory ${directory ?? ''}`);
}

function requireText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `${path} cannot be read (${errorType(cause)})`, { cause });
  }
}
