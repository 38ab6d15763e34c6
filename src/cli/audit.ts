import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { VconOtelError } from '../model/error.ts';
import { operatorOf } from '../service/deeds.ts';
import { parseUuid } from './arguments.ts';
import { attest } from './audit/attest.ts';
import { type AuditSettings, openLedgerPart, reporting, requireDirectory } from './audit/audited-ledger.ts';
import { consistency } from './audit/consistency.ts';
import { EXPORT_FORMATS, exportAll } from './audit/export.ts';
import { layout } from './audit/layout.ts';
import { restoreMirrored } from './audit/mirror.ts';
import { monitorCommand } from './audit/monitor.ts';
import { PROOF_FORMATS, prove } from './audit/prove.ts';
import { rotate } from './audit/rotate-key.ts';
import { shred } from './audit/shred.ts';
import { verify } from './audit/verify.ts';
import { takesWitnesses } from './audit/witness-options.ts';
import { takesActor } from './operator.ts';
import { print } from './timeline/index.ts';

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
        // Commander gives the arguments, then the options, then the command.
        const [directory, ...others] = args.slice(0, -2) as (string | undefined)[];
        await reporting(settings, () => run(directory, args.at(-2) as Options, settings, others));
      });
  takesWitnesses(add('verify', 'check a whole ledger, or a proof bundle', verify))
    .argument('[directory]', 'the directory of the ledger')
    .addOption(keyOption())
    .option(
      '--since <file>',
      'checkpoints that were kept elsewhere (an anchor): the ledger must have grown from them',
    )
    .option('--published <folder>', 'compare what `audit export --format tiles` wrote there, too')
    .option('--strict', 'fail where runs are incomplete, or a rollback is not excluded')
    .addOption(
      new Option('--proof <file>', 'check this bundle of `audit prove` instead, offline').conflicts([
        'since',
        'strict',
        'published',
      ]),
    )
    .option(
      '--document <file>',
      'with --proof: a vCon, to find the records that were made of exactly this document',
    )
    .option('--without-keys', 'do not compare the keys of vCons: this is a copy that was made without them')
    .addOption(
      new Option(
        '--mirror <place>',
        'compare the ledger with this second copy of it: a folder, or s3://bucket/prefix',
      ).conflicts('proof'),
    )
    .option('--json', 'print one JSON document');
  takesActor(add('restore', 'bring a ledger back from its mirror, and verify it', restoreMirrored))
    .argument('<mirror>', 'the folder of the mirror, or s3://bucket/prefix')
    .argument('<directory>', 'where the ledger is to be: a missing or an empty folder')
    .addOption(keyOption());
  takesActor(add('prove', 'print a bundle that proves what the ledger says of a vCon', prove))
    .argument('<directory>', 'the directory of the ledger')
    .requiredOption('--vcon <uuid>', 'the vCon', parseUuid)
    .addOption(
      new Option('--format <format>', 'one bundle, or a C2SP tlog-proof of each record')
        .choices(PROOF_FORMATS)
        .default('bundle'),
    )
    .option('--out <folder>', 'with --format tlog-proof: the folder for the proofs, <seq>.tlog-proof each')
    .option('--with-content-key', "include the vCon's key, so that a document can be compared with its hash")
    .addOption(unverified());
  add('consistency', 'prove that a ledger has grown from what it was', consistency)
    .argument('<directory>', 'the directory of the ledger')
    .argument('<old>', 'a checkpoint of it (a file), or how many records it had')
    .argument('[new]', 'the same, later (default: its newest checkpoint)')
    .addOption(keyOption())
    .option('--json', 'print one JSON document');
  takesActor(add('shred', "destroy a vCon's key: its content hashes then reveal nothing", shred))
    .argument('[directory]', 'the directory of the ledger (default: what --config says)')
    .requiredOption('--vcon <uuid>', 'the vCon', parseUuid)
    .option('--config <file>', 'say what else names the vCon in what this configuration keeps')
    .option('--everywhere', 'erase it there, too; no service may run')
    .option('--reason <text>', 'why, for the ledger; with --everywhere', parseReason)
    .option('--key-file <file>', 'the private key, if it is not beside the ledger')
    .option('--json', 'print one JSON document');
  takesActor(add('expire', 'have records deleted before they are old enough', expire))
    .argument('<directory>', 'the directory of the ledger')
    .requiredOption('--before <time>', 'those before this time (ISO 8601), in whole files', parseTime)
    .requiredOption('--reason <text>', 'why, for the ledger', parseReason);
  takesActor(add('rotate-key', 'change the key that signs for another, which the present one signs', rotate))
    .argument('<directory>', 'the directory of the ledger')
    .requiredOption('--reason <text>', 'why, for the ledger', parseReason)
    .option('--key-file <file>', 'the new private key, where it is not to be made beside the ledger')
    .option('--keep-former', 'keep the former private key, which is removed otherwise, beside the ledger')
    .option('--json', 'print one JSON document');
  takesActor(add('export', 'print all records for another system, or publish them as a log', exportAll))
    .argument('<directory>', 'the directory of the ledger')
    .addOption(unverified())
    .addOption(
      new Option('--format <format>', 'the output format; tiles writes the files of C2SP tlog-tiles')
        .choices(EXPORT_FORMATS)
        .default('jsonl'),
    )
    .option('--out <folder>', 'with --format tiles: the folder to publish, or to bring up to date');
  add('keygen', 'create a private key, and print its verifier key', keygen)
    .requiredOption(
      '--origin <name>',
      'the origin of the ledger that it will sign, such as example.com/audit; or the name of the witness',
    )
    .requiredOption('--out <file>', 'the file for the private key (mode 0600); it must not exist yet')
    .option('--witness', 'print the verifier key of a witness, not that of a ledger');
  add('attest', 'verify what an attest tracer has signed of each step', attest)
    .argument('<directory>', 'the directory of the tracer')
    .addOption(publicKeys('--key <key>', 'the public key (PEM or verifier key, or a file that holds it)'))
    .option(
      '--layout <file>',
      'a layout of `audit layout`; repeat it for other chains',
      (file: string, before: readonly string[] = []) => [...before, file],
    )
    .addOption(publicKeys('--layout-key <key>', 'the public key of whoever signed the layouts'))
    .option('--ledger <directory>', 'compare them with what this ledger has recorded')
    .addOption(publicKeys('--ledger-key <vkey>', "the ledger's verifier key, or a file that holds it"))
    .option('--tracer <name>', 'the name of the tracer in the ledger', 'attest')
    .option('--vcon <uuid>', 'only of this vCon, with --ledger, which has its key', parseUuid)
    .option('--json', 'print one JSON document');
  add('layout', 'sign which links must run in each chain of a conserver', layout)
    .argument('<file>', "the conserver's config.yml")
    .requiredOption('--key-file <file>', 'the private key that signs, not that of the tracer')
    .addOption(publicKeys('--attester <key>', 'the public key of an attest tracer').makeOptionMandatory())
    .option('--days <days>', 'for how many days it is valid', parseDays, 365)
    .requiredOption('--out <folder>', 'the folder for <chain>.layout, and for the public key');
  audit.addCommand(monitorCommand(settings));
  return audit;
}

function keyOption(): Option {
  return new Option(
    '--key <vkey>',
    'the verifier key, or a file that holds it; repeat it for another key, after a change of keys',
  ).argParser((key: string, before: readonly string[] = []) => [...before, key]);
}

function publicKeys(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`).argParser(
    (key: string, before: readonly string[] = []) => [...before, key],
  );
}

function parseDays(text: string): number {
  const days = Number(text);
  if (Number.isSafeInteger(days) && days > 0 && days <= 36_500) return days;
  throw new InvalidArgumentError('It is no number of days from 1 to 36500.');
}

function unverified(): Option {
  return new Option('--unverified', 'print what is there, whether or not the ledger is intact');
}

type Run<Options> = (
  directory: string | undefined,
  options: Options,
  settings: AuditSettings,
  others: readonly (string | undefined)[],
) => Promise<void>;

async function expire(
  directory: string | undefined,
  { before, reason, actor }: { before: string; reason: string; actor?: string },
  { stdout }: AuditSettings,
): Promise<void> {
  const { leaveRequest } = await openLedgerPart();
  const path = requireDirectory(directory);
  leaveRequest(path, { event: 'expiry_ordered', before, reason, ...operatorOf(actor) });
  await print(stdout, [
    'The service that has the ledger open, or opens it next, records this order within its checkpoint interval, and deletes the files of which all records are older; never the one that is being written.\n',
  ]);
}

/** @throws InvalidArgumentError */
function parseTime(text: string): string {
  const time = Date.parse(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && time >= 0) return new Date(time).toISOString();
  throw new InvalidArgumentError('It is a time such as 2026-03-01 or 2026-03-01T12:00:00Z.');
}

/** @throws InvalidArgumentError */
function parseReason(text: string): string {
  if (/^[^\p{Cc}\p{Cs}]{1,256}$/u.test(text)) return text;
  throw new InvalidArgumentError('It is a text of up to 256 characters, in one line.');
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
