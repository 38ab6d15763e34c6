import { readFile, stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { LoadedConfig } from '../config/load-config.ts';
import { errorType } from '../model/error.ts';
import { ThrottledLog } from '../model/throttled-log.ts';

/** What a chain of the Python server's configuration is made of. */
export interface ConserverChain {
  readonly links: readonly string[];
  readonly storages: readonly string[];
}

/** The chains of the Python server's configuration, as they stand. */
export interface ConserverChains {
  get(chain: string): ConserverChain | undefined;
  /** All of them, by name. */
  all(): ReadonlyMap<string, ConserverChain>;
  /** Looks at once, from now on at this file; undefined: at none. */
  look(path: string | undefined): Promise<void>;
  /** Stops looking for changes. */
  close(): void;
}

/** The chains of the Python server's configuration, where ours names it; otherwise none. */
export async function openConserverChains({ config }: LoadedConfig): Promise<ConserverChains> {
  const { conserver_config: file } = config;
  const log = new ThrottledLog('vcon-otel/receivers');
  return watchConserverChains(file, (detail) => log.warn('conserver_config', `conserver_config: ${detail}`));
}

/** Milliseconds between two looks at the file. */
const INTERVAL = 2_000;
/** Bytes; nobody writes a larger one. */
const MAX_SIZE = 16 * 1024 * 1024;

/**
 * Reads the Python server's `config.yml`, leniently, as that does itself, and again whenever it changes. What cannot be
 * read now is reported, and what was read last stays.
 */
export async function watchConserverChains(
  file: string | undefined,
  trouble: (detail: string) => void,
): Promise<ConserverChains> {
  let path = file;
  let chains: ReadonlyMap<string, ConserverChain> = new Map();
  let seen = '';
  let isLooking = false;
  const look = async () => {
    if (isLooking || path === undefined) return;
    isLooking = true;
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const found = `${mtimeMs} ${size} ${ino}`;
      if (found !== seen) {
        if (size > MAX_SIZE) throw new RangeError('too large');
        chains = chainsOf(await readFile(path, 'utf8'));
        seen = found;
      }
    } catch (error) {
      trouble(`it cannot be read (${errorType(error)})`);
    }
    isLooking = false;
  };
  await look();
  const timer = setInterval(() => void look(), INTERVAL).unref();
  return {
    get: (chain) => chains.get(chain),
    all: () => chains,
    async look(next) {
      if (next !== path) {
        path = next;
        seen = '';
        if (next === undefined) chains = new Map();
      }
      await look();
    },
    close: () => clearInterval(timer),
  };
}

const names = z
  .array(z.unknown())
  .nullish()
  .catch(undefined)
  .transform((list) => list?.filter((name) => typeof name === 'string') ?? []);
const File = z.looseObject({
  chains: z
    .record(z.string(), z.looseObject({ links: names, storages: names }).catch({ links: [], storages: [] }))
    .nullish(),
});

/** @throws what `yaml` and the schema throw */
function chainsOf(text: string): ReadonlyMap<string, ConserverChain> {
  // As PyYAML: a key that stands twice is no error, the last one counts.
  const { chains } = File.parse(parse(text, { uniqueKeys: false, merge: true, logLevel: 'error' }) ?? {});
  return new Map(
    Object.entries(chains ?? {}).map(([name, { links, storages }]) => [name, { links, storages }]),
  );
}
