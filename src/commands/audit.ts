import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { Verifier } from '../ledger/index.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { cleanText, print, safeJson } from '../timeline/index.ts';
import { parseUuid } from './arguments.ts';

/** What the command needs of the process it runs in. */
export interface AuditSettings {
  /** Gets what was asked for and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets remarks. */
  readonly stderr: NodeJS.WritableStream;
  /** Of this program. */
  readonly version: string;
  /** Tells with which code the process is to end. */
  readonly exit: (code: number) => void;
}

/** How `audit verify` ends: part of its interface. */
const EXIT = { intact: 0, tampered: 1, torn: 2, unusable: 3, unknown_key: 4 } as const;

/**
 * `vcon-otel audit`: checks, proves, erases and exports what a ledger of the compliance tracer holds (docs/ledger.md).
 * Its exit codes are its own: 0 intact, 1 tampered, 2 a torn tail only, 3 wrong usage or a file that cannot be used,
 * 4 signed by a key that is not known.
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
    .argument('[directory]', 'of the ledger')
    .option(
      '--key <vkey>',
      'the verifier key, or a file that holds it; again for another one, after a change of keys',
      (key: string, before: readonly string[] = []) => [...before, key],
    )
    .option(
      '--since <file>',
      'checkpoints that were kept elsewhere (an anchor): the ledger must have grown from them',
    )
    .option('--strict', 'what is incomplete counts as tampered')
    .addOption(
      new Option('--proof <file>', 'check this bundle of `audit prove` instead, offline').conflicts([
        'since',
        'strict',
      ]),
    )
    .option(
      '--document <file>',
      'with --proof: the vCon, to find out which records were made of exactly this',
    )
    .option('--json', 'print one JSON document');
  add('prove', 'print a bundle that proves what the ledger says of a vCon', prove)
    .argument('<directory>', 'of the ledger')
    .requiredOption('--vcon <uuid>', 'the vCon', parseUuid)
    .option('--with-content-key', "put the vCon's key in, so that a document can be compared with its hash");
  add('shred', "destroy a vCon's key: its content hashes then say nothing any more", shred)
    .argument('<directory>', 'of the ledger')
    .requiredOption('--vcon <uuid>', 'the vCon', parseUuid)
    .option('--key-file <file>', 'the private key, where it does not lie beside the ledger');
  add('export', 'print all records for another system', exportAll)
    .argument('<directory>', 'of the ledger')
    .addOption(
      new Option('--format <format>', 'the form').choices(['jsonl', 'ocsf', 'cef']).default('jsonl'),
    );
  add('keygen', 'make a private key, and print its verifier key', keygen)
    .requiredOption(
      '--origin <name>',
      'the origin of the ledger that it will sign, such as example.com/audit',
    )
    .requiredOption('--out <file>', 'where the private key goes (mode 0600); it must not be there yet');
  return audit;
}

type Run<Options> = (
  directory: string | undefined,
  options: Options,
  settings: AuditSettings,
) => Promise<void>;

/** Loaded when it is asked for: on Node 22 the very import of SQLite prints a warning. */
const openLedgerPart = () => import('../ledger/index.ts');

async function reporting({ stderr, exit }: AuditSettings, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const text = error instanceof VconOtelError ? error.message : `it cannot be done (${errorType(error)})`;
    stderr.write(`vcon-otel: ${text}\n`);
    exit(EXIT.unusable);
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
  const verdict = verifyLedger({ directory, verifiers, since, inUse });
  const gaps = options.strict && !isComplete(verdict, inUse);
  settings.exit(verdict.verdict === 'intact' && gaps ? EXIT.tampered : EXIT[verdict.verdict]);
  if (options.json) await print(settings.stdout, [`${safeJson(verdictJson(verdict, inUse))}\n`]);
  else
    await print(
      settings.stdout,
      verdictLines(verdict, directory).map((line) => `${cleanText(line)}\n`),
    );
  if (!options.key)
    settings.stderr.write(
      'vcon-otel: checked with the key that lies beside the ledger; --key with one kept elsewhere says more\n',
    );
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
  if (json) return print(settings.stdout, [`${safeJson(verdict)}\n`]);
  if (verdict.verdict !== 'proven')
    return print(settings.stdout, [
      `✗ ${verdict.verdict === 'refused' ? 'refused' : 'unknown key'}: ${verdict.seq === undefined ? '' : `record ${verdict.seq} `}${verdict.reason}\n`,
    ]);
  const lines = [
    `✓ proven: ${verdict.records} records stand in the ledger of ${verdict.size} records of ${verdict.origin}\n`,
  ];
  if (text !== undefined)
    lines.push(
      verdict.content.length > 0
        ? `  the document is the one of records ${verdict.content.join(', ')}\n`
        : '  the document is the one of none of these records\n',
    );
  return print(settings.stdout, lines);
}

async function prove(
  directory: string | undefined,
  options: { vcon: string; withContentKey?: true },
  { stdout, stderr }: AuditSettings,
): Promise<void> {
  const { proveVcon, KeyStore } = await openLedgerPart();
  const path = requireDirectory(directory);
  const key = options.withContentKey ? await new KeyStore(path).read(options.vcon) : undefined;
  const bundle = proveVcon(path, options.vcon, key);
  await print(stdout, [`${safeJson(bundle)}\n`]);
  if (bundle.records.length === 0) stderr.write('vcon-otel: no signed record speaks of this vCon\n');
  if (bundle.unsigned > 0)
    stderr.write(
      `vcon-otel: ${bundle.unsigned} records are not signed yet; ask again after the next checkpoint\n`,
    );
}

async function shred(
  directory: string | undefined,
  { vcon, keyFile }: { vcon: string; keyFile?: string },
  settings: AuditSettings,
): Promise<void> {
  const { shredVcon } = await openLedgerPart();
  const path = requireDirectory(directory);
  const { existed, recorded } = await shredVcon(
    path,
    vcon,
    (text) => settings.stderr.write(`vcon-otel: ${text}\n`),
    keyFile,
  );
  await print(settings.stdout, [
    existed
      ? 'The key is destroyed: the content hashes of this vCon say nothing any more.\n'
      : 'There was no key of this vCon; it will get none.\n',
    recorded
      ? 'The ledger has a record of it.\n'
      : 'The service that has the ledger open, or opens it next, records it within its checkpoint interval.\n',
  ]);
}

async function exportAll(
  directory: string | undefined,
  { format }: { format: 'jsonl' | 'ocsf' | 'cef' },
  { stdout, version }: AuditSettings,
): Promise<void> {
  const { exportRecords } = await openLedgerPart();
  await print(stdout, exportRecords(requireDirectory(directory), format, version));
}

async function keygen(
  _directory: string | undefined,
  { origin, out }: { origin: string; out: string },
  { stdout }: AuditSettings,
): Promise<void> {
  const { generateKey, signerOf, writeKeyFile } = await openLedgerPart();
  if (existsSync(out))
    throw new VconOtelError('FILE_UNUSABLE', `${out} is there already: a key is never written over`);
  const pem = generateKey();
  const { vkey } = signerOf(origin, pem);
  writeKeyFile(out, pem);
  await print(stdout, [`${vkey}\n`]);
}

/** Keys as they are given: each one itself, or a file that holds it. */
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
