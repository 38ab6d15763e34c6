import { type LoadedConfig, loadConfig } from '../../config/load-config.ts';
import { isUuid, type Mention, spellingsOf } from '../../model/erasure.ts';
import { VconOtelError } from '../../model/error.ts';
import { operatorOf } from '../../service/deeds.ts';
import { ledgersOf } from '../../service/ledgers.ts';
import { cleanText, print, safeJson } from '../timeline/index.ts';
import { type AuditSettings, EXIT, openLedgerPart, requireDirectory } from './audited-ledger.ts';
import type { SearchedPlace } from './erasure/everywhere.ts';
import type { ErasurePlace } from './erasure/places.ts';

/** As given on the command line. */
export interface ShredOptions {
  readonly vcon: string;
  readonly keyFile?: string;
  readonly actor?: string;
  readonly config?: string;
  readonly everywhere?: true;
  readonly reason?: string;
  readonly json?: true;
}

/**
 * `vcon-otel audit shred`: destroys a vCon's key. With a configuration it says what else names the vCon, and with `--everywhere` erases it there.
 * @throws VconOtelError
 */
export async function shred(
  directory: string | undefined,
  options: ShredOptions,
  settings: AuditSettings,
): Promise<void> {
  const { vcon: given, config, everywhere, json } = options;
  const { stdout, stderr, exit } = settings;
  if (everywhere && (config === undefined || options.reason === undefined || !isUuid(given)))
    throw new VconOtelError(
      'OPTIONS_INVALID',
      '--everywhere needs --config FILE, --reason TEXT, and a vCon whose name is a uuid',
    );
  const loaded = config === undefined ? undefined : await loadConfig(config);
  const directories = directory === undefined ? await ledgersIn(loaded) : [directory];
  for (const path of directories) requireDirectory(path);
  const { erasurePlaces } = await import('./erasure/places.ts');
  const { eraseIn, searchPlace, newPseudonym, whileStopped } = await import('./erasure/everywhere.ts');
  const { destroyKey, knownVcon, recordAtOnce } = await openLedgerPart();
  const spellings = spellingsOf(given);
  const places = loaded ? erasurePlaces(loaded) : [];
  const look = async (): Promise<[ErasurePlace, SearchedPlace][]> => {
    const found: [ErasurePlace, SearchedPlace][] = [];
    for (const place of places) found.push([place, await searchPlace(place, spellings)]);
    return found;
  };
  const operator = operatorOf(options.actor);
  let told: SearchedPlace[] = [];
  let existed = false;
  const work = async () => {
    const found = await look();
    const known = directories.map((path) => knownVcon(path, given));
    const isNamed = found.some(([, { mentions }]) => mentions.some(({ count = 0 }) => count > 0));
    if (!known.some((vcon) => vcon !== undefined) && !(everywhere && isNamed)) return false;
    const ledgers = directories.map((path, at) => {
      const destroyed = destroyKey(path, known[at] ?? given, operator);
      existed ||= destroyed.existed;
      return { directory: path, recordId: destroyed.recordId };
    });
    told = found.map(([, one]) => one);
    if (!everywhere) return true;
    const order = { ledgers, spellings, operator, reason: options.reason ?? '' };
    const pseudonym = newPseudonym();
    told = [];
    for (const [place, one] of found) told.push(await eraseIn(place, one, order, pseudonym));
    return true;
  };
  let isKnown = false;
  if (everywhere)
    await whileStopped(directories, async () => {
      isKnown = await work();
    });
  else isKnown = await work();
  if (!isKnown) {
    stderr.write('vcon-otel: this ledger has no key and no record of such a vCon: nothing was destroyed\n');
    exit(EXIT.tampered);
    return;
  }
  let recorded = true;
  for (const path of directories)
    if (!(await recordAtOnce(path, (text) => stderr.write(`vcon-otel: ${text}\n`), options.keyFile)))
      recorded = false;
  if (told.some(({ fault }) => fault !== undefined)) exit(EXIT.unusable);
  await print(stdout, json ? [jsonOf(existed, recorded, told)] : linesOf(existed, recorded, told, options));
}

/** @throws VconOtelError `FILE_UNUSABLE` where there is none */
async function ledgersIn(loaded: LoadedConfig | undefined): Promise<string[]> {
  const found = loaded ? await ledgersOf(loaded) : [];
  if (found.length > 0) return found.map(({ directory }) => directory);
  throw new VconOtelError(
    'FILE_UNUSABLE',
    'name the directory of the ledger, or with --config a file that has one',
  );
}

function jsonOf(existed: boolean, recorded: boolean, told: readonly SearchedPlace[]): string {
  const places = told.map(({ path, mentions, erased, fault }) => ({
    place: path,
    erased,
    fault: fault ?? null,
    mentions: mentions.map(({ what, count, stays }) => ({
      what,
      count: count ?? null,
      stays: stays ?? null,
    })),
  }));
  return `${safeJson({ key_existed: existed, recorded, places })}\n`;
}

function* linesOf(
  existed: boolean,
  recorded: boolean,
  told: readonly SearchedPlace[],
  { config, everywhere }: ShredOptions,
): Generator<string> {
  yield existed
    ? 'The key is destroyed: the content hashes of this vCon no longer reveal anything.\n'
    : 'This vCon had no key, and will never get one.\n';
  const named = told.filter(({ mentions, fault }) => mentions.length > 0 || fault !== undefined);
  if (named.length > 0) yield everywhere ? 'Erased (✓), and not (✗):\n' : 'What else names it:\n';
  for (const { path, mentions, erased, fault } of named) {
    if (fault !== undefined) yield `  ✗ ${cleanText(path)}: ${cleanText(fault)}\n`;
    for (const mention of mentions) yield lineOf(path, mention, erased);
  }
  if (told.some(({ fault }) => fault !== undefined))
    yield 'Not everything could be looked at or erased: mend that, and run the command again.\n';
  yield recorded
    ? 'The ledger has recorded this.\n'
    : 'The service that has the ledger open, or opens it next, records it within its checkpoint interval.\n';
  if (config === undefined)
    yield 'With --config FILE this command says what else names it: the journal, and what tracers and exporters keep.\n';
  else if (!everywhere)
    yield 'There it was left as it is: --everywhere erases what can be, while no service runs.\n';
}

function lineOf(path: string, { what, count, stays }: Mention, erased: boolean): string {
  const number = count === undefined ? '' : `${count.toLocaleString('en')} `;
  const sign = stays === undefined && erased ? '✓' : '·';
  const why = stays === undefined ? '' : `; ${stays}`;
  return `  ${sign} ${cleanText(path)}: ${number}${cleanText(what)}${cleanText(why)}\n`;
}
