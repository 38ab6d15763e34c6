import { readFile, stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { LoadedConfig } from '../../config/load-config.ts';
import { errorType } from '../../model/error.ts';
import { type Finding, ok, problem, warning } from '../../model/finding.ts';
import { receiversOf } from '../../service/components.ts';
import type { Probes } from './probe.ts';

/** The module that tells what happens inside a Python conserver. */
const FACTS_MODULE = 'vcon_otel';
/** The name that it had in 0.1, which still works. */
const OLD_FACTS_MODULE = 'vcon_otel_forwarder';
/** Bytes; far more than any configuration has. */
const MAX_SIZE = 4 * 1024 * 1024;

const named = <Schema extends z.ZodType>(schema: Schema) =>
  z.record(z.string(), schema.nullish().catch(undefined));
/** An entry of `imports`: the conserver also takes the module's name alone. */
const Imported = z.preprocess(
  (entry) => (typeof entry === 'string' ? { module: entry } : entry),
  z.object({ module: z.string().optional().catch(undefined) }),
);
/** The little of it that matters here; read leniently, since the conserver does so itself. */
const Conserver = z.object({
  chains: named(z.object({ links: z.array(z.string()).catch([]).default([]) }))
    .nullish()
    .catch(undefined),
  links: named(z.unknown()).nullish().catch(undefined),
  imports: named(Imported).nullish().catch(undefined),
  tracers: named(z.object({ module: z.string().optional().catch(undefined) }))
    .nullish()
    .catch(undefined),
});
type Conserver = z.output<typeof Conserver>;

/** Whether the Python conserver's own file can be read, and fits ours. */
export const conserverProbes: Probes = (loaded) => {
  const { conserver_config: path } = loaded.config;
  if (path === undefined) return [];
  return [
    {
      about: 'conserver_config',
      look: async () => {
        const read = await readConserver(path);
        return 'state' in read ? [read] : findings(path, read, loaded);
      },
    },
  ];
};

async function readConserver(path: string): Promise<Conserver | Finding> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > MAX_SIZE) return problem(`${path} is larger than ${MAX_SIZE} bytes`, 'name the config.yml');
    text = await readFile(path, 'utf8');
  } catch (error) {
    return problem(`${path} cannot be read (${errorType(error)})`, "name the conserver's config.yml");
  }
  try {
    // PyYAML reads YAML 1.1 and takes the last of two equal keys.
    return Conserver.parse(parse(text, { version: '1.1', uniqueKeys: false, logLevel: 'error' }));
  } catch {
    return problem(`${path} is not a YAML mapping`, 'fix the file: the conserver cannot read it either');
  }
}

function findings(path: string, conserver: Conserver, loaded: LoadedConfig): Finding[] {
  const chains = Object.entries(conserver.chains ?? {});
  const told = chains.map(([name, chain]) => `${name} (${chain?.links.join(', ') || 'no links'})`);
  return [
    chains.length > 0
      ? ok(`${path} has the chains ${told.join(', ')}`)
      : warning(`${path} has no chains`, 'check that it is the file which the conserver reads'),
    ...Object.keys(loaded.config.chains)
      .filter((name) => !chains.some(([known]) => known === name))
      .map((name) => warning(`it has no chain ${name}, which is under chains`, 'check the name')),
    ...missingLinks(conserver),
    ...nullTracers(conserver),
    ...factsModule(conserver, loaded),
  ];
}

/** The conserver fails every vCon at such a link, and no span of the link says so. */
function missingLinks({ chains, links }: Conserver): Finding[] {
  return Object.entries(chains ?? {}).flatMap(([chain, entry]) =>
    (entry?.links ?? [])
      .filter((link) => !Object.hasOwn(links ?? {}, link))
      .map((link) =>
        warning(`its chain ${chain} names a link ${link} that is not under links`, 'define the link'),
      ),
  );
}

function nullTracers({ tracers }: Conserver): Finding[] {
  return tracers === null
    ? [
        warning(
          'its section tracers is empty: with that the conserver sends every vCon to its dead letters',
          'remove the line, or write tracers: {}',
        ),
      ]
    : [];
}

/** Whether anything is told from inside the conserver, and from a worker's first run on (docs/conserver.md). */
function factsModule({ imports, tracers }: Conserver, loaded: LoadedConfig): Finding[] {
  if (receiversOf(loaded).length === 0) return [];
  const [imported, traced] = [namesFactsModule(imports), namesFactsModule(tracers)];
  if (imported) return [ok(`${traced ? 'its imports and its tracers' : 'its imports'} name ${FACTS_MODULE}`)];
  return traced
    ? [
        warning(
          `its tracers name ${FACTS_MODULE}, its imports do not: the first run of each worker is not heard whole`,
          `name ${FACTS_MODULE} under imports too`,
        ),
      ]
    : [
        warning(
          `neither its imports nor its tracers name ${FACTS_MODULE}: at most spans are heard, which lack halts, the uuid that the last link returned, and the moment at which a link was done`,
          `name ${FACTS_MODULE} under imports and tracers, as docs/conserver.md shows`,
        ),
      ];
}

function namesFactsModule(entries: Conserver['tracers']): boolean {
  const last = Object.values(entries ?? {}).map((entry) => entry?.module?.split('.').at(-1));
  return last.includes(FACTS_MODULE) || last.includes(OLD_FACTS_MODULE);
}
