import { erasedEntry } from '../../../assembly/erased-entry.ts';
import { formatPath, type LoadedConfig } from '../../../config/load-config.ts';
import { eraseInSpans, mentionsInSpans } from '../../../exporters/span-log/erase-spans.ts';
import type { EntryWithout, JournalAdmin } from '../../../journal/admin.ts';
import { openJournalAdmin } from '../../../journal/open-admin.ts';
import type { ErasedVcon, Erasure, Mention } from '../../../model/erasure.ts';
import { VconOtelError } from '../../../model/error.ts';
import { unpack } from '../../../receivers/packing.ts';
import { exportersOf, receiversOf, tracersOf, vconStoreOf } from '../../../service/components.ts';
import type { AnyComponent, NamedComponent } from '../../../service/named-component.ts';

/** Somewhere that a vCon may be named, as a configuration calls it. */
export interface ErasurePlace {
  readonly path: string;
  /** Counts what names the vCon there. Changes nothing. @throws VconOtelError in words for a person; others by their type */
  mentions(spellings: readonly string[]): Promise<readonly Mention[]>;
  /** @throws as {@link mentions} */
  erase(spellings: readonly string[], pseudonym: string): Promise<void>;
}

/** Every place of a configuration: its journal, spans that wait, and each component, none of which is known by name here. */
export function erasurePlaces(loaded: LoadedConfig): ErasurePlace[] {
  return [
    journalPlace(loaded),
    ...exportersOf(loaded).map(({ name }) => spansPlace(loaded, name)),
    ...[...receiversOf(loaded), ...exportersOf(loaded), vconStoreOf(loaded), ...tracersOf(loaded)].map(
      (component) => componentPlace(component as NamedComponent<object>),
    ),
  ];
}

function componentPlace({ path, name, find }: NamedComponent<object>): ErasurePlace {
  const ask = async <T>(work: (erasure: Erasure<unknown>, options: unknown) => Promise<T>) => {
    const { definition, options, faults } = await find();
    const [fault] = faults;
    if (fault) throw new VconOtelError('OPTIONS_INVALID', `${fault.path}: ${fault.message}`);
    const { erasure } = definition as Pick<AnyComponent, 'erasure'>;
    return erasure && work(erasure, options);
  };
  return {
    path,
    mentions: async (spellings) =>
      (await ask((erasure, options) => erasure.mentions(options, { name, spellings }))) ?? [UNTOLD],
    erase: async (spellings, pseudonym) => {
      await ask((erasure, options) => erasure.erase(options, { name, spellings }, pseudonym));
    },
  };
}

const UNTOLD: Mention = {
  what: 'what it keeps, or has sent elsewhere',
  count: undefined,
  stays: 'it does not say: look there',
};

function journalPlace({ config }: LoadedConfig): ErasurePlace {
  const use = <T>(work: (journal: JournalAdmin) => Promise<T>) => withAdmin(config, work);
  const named = (spellings: readonly string[]): ErasedVcon => ({ name: 'journal', spellings });
  return {
    path: 'journal',
    mentions: async (spellings) =>
      (await use((journal) => journal.mentions(named(spellings), withoutIn))) ?? [],
    erase: async (spellings, pseudonym) => {
      await use((journal) => journal.erase(named(spellings), pseudonym, withoutIn));
    },
  };
}

function spansPlace({ config }: LoadedConfig, name: string): ErasurePlace {
  return {
    path: formatPath(['exporters', name]),
    mentions: async (spellings) =>
      (await withAdmin(config, ({ beside }) => mentionsInSpans(beside, { name, spellings }))) ?? [],
    erase: async (spellings, pseudonym) => {
      await withAdmin(config, ({ beside }) => eraseInSpans(beside, { name, spellings }, pseudonym));
    },
  };
}

/** @returns undefined where the journal is in memory */
async function withAdmin<T>(
  { journal }: LoadedConfig['config'],
  work: (journal: JournalAdmin) => Promise<T>,
): Promise<T | undefined> {
  const admin = await openJournalAdmin(journal);
  try {
    return admin && (await work(admin));
  } finally {
    await admin?.close();
  }
}

const withoutIn: EntryWithout = (body, spellings, pseudonym, hashes = []) =>
  erasedEntry(body, spellings, pseudonym, hashes, (bytes, packing) => unpack(bytes, packing, MAX_UNPACKED));

/** What a receiver takes is far smaller. */
const MAX_UNPACKED = 1_073_741_824;
