import { type Config, deliverySettings, formatPath, type LoadedConfig } from '../config/load-config.ts';
import { checkTracerOptions, isEnabled, readsVcons } from '../delivery/create-tracer.ts';
import { deliveryPolicy } from '../delivery/delivery-policy.ts';
import { builtInExporters } from '../exporters/registry.ts';
import { eraseInModule, type LookedAt, lookIntoModule, probeModule } from '../isolation/module-look.ts';
import type { JournalDefinition } from '../journal/journal-definition.ts';
import { builtInJournals } from '../journal/registry.ts';
import { VconOtelError } from '../model/error.ts';
import type { ExporterDefinition } from '../model/exporter.ts';
import type { Options, TracerDefinition, TracerModule } from '../model/tracer.ts';
import type { VconStoreDefinition } from '../model/vcon-store.ts';
import type { ReceiverDefinition } from '../receivers/receiver.ts';
import { builtInReceivers } from '../receivers/registry.ts';
import { pythonTracer } from '../tracers/python.ts';
import { builtInVconStores } from '../vcon-store/registry.ts';
import { hasEmptyStore, NO_VCONS } from './empty-store.ts';
import {
  type AnyComponent,
  type FoundComponent,
  type NamedComponent,
  ourComponent,
  theirComponent,
} from './named-component.ts';
import { loadTracerModule, tracerFile } from './tracer-modules.ts';

/** The tracers that a configuration names, but for those that are not enabled. */
export function tracersOf(loaded: LoadedConfig): NamedComponent<TracerModule>[] {
  const { config } = loaded;
  const enabled = Object.entries(config.tracers).filter(([, tracer]) => isEnabled(tracer));
  return enabled.map(([name, tracer]) => {
    const { module: named, options, delivery } = tracer;
    let found: Promise<FoundComponent<TracerModule>> | undefined;
    return {
      path: formatPath(['tracers', name]),
      name,
      title: typeof named === 'string' ? `${name} (${named})` : name,
      notes: options.dlq_vcon_on_error === true ? [chainsWait(name, delivery)] : [],
      find() {
        // Once: somebody else's module is looked at in a thread.
        found ??= findTracer(loaded, name, tracer);
        return found;
      },
    };
  });
}

/** Finds a tracer as `serve` would run it: in a thread of its own, a process, or in place. */
async function findTracer(
  loaded: LoadedConfig,
  name: string,
  { module: named, options, isolation, python, pythonpath }: Config['tracers'][string],
): Promise<FoundComponent<TracerModule>> {
  const { directory } = loaded;
  const hosted = await pythonTracer(
    { module: named, python, pythonpath, options },
    `tracers.${name}.module`,
    directory,
  );
  const file = hosted || isolation === 'none' ? undefined : tracerFile(name, named, directory);
  const found = file
    ? await findInThread({ name, file, options })
    : await findInPlace(name, hosted ?? named, options, directory);
  const inVain = hasEmptyStore(loaded) && readsVcons(found.definition, found.options);
  const lacks = inVain ? [{ path: formatPath(['tracers', name]), message: NO_VCONS }] : [];
  return { ...found, lacks };
}

async function findInPlace(
  name: string,
  named: string | TracerModule,
  options: Options,
  directory: string,
): Promise<FoundComponent<TracerModule>> {
  const module = await loadTracerModule(name, named, directory);
  return { definition: module, ...checkTracerOptions({ name, module, options }) };
}

/** What stands in for a module that this thread never loads. It is not made: `serve` has its own way to a thread. */
async function findInThread(what: LookedAt): Promise<FoundComponent<TracerModule>> {
  const look = await lookIntoModule(what);
  const { faults, remarks, files, ledger } = look;
  const definition: TracerDefinition = {
    readsVcons: () => look.readsVcons,
    remarks: () => remarks,
    files: () => files,
    ...(ledger !== undefined && { ledger: () => ledger }),
    ...(look.hasErasure && {
      erasure: {
        mentions: (_options, vcon) => eraseInModule(what, vcon),
        erase: async (_options, vcon, pseudonym) => void (await eraseInModule(what, vcon, pseudonym)),
      },
    }),
    ...(look.hasProbe && { probe: (_options, settings) => probeModule(what, settings) }),
    create() {
      throw new VconOtelError('TRACER_FAILED', `tracer ${what.name} is made in its thread only`);
    },
  };
  return { definition, options: what.options, faults };
}

/** For how long chains wait for a tracer with `dlq_vcon_on_error`. */
function chainsWait(name: string, delivery: Config['tracers'][string]['delivery']): string {
  const { chainWait } = deliveryPolicy(name, delivery ? deliverySettings(delivery) : {});
  return chainWait === 0
    ? 'chains wait for it at each step, without end (chain_wait: 0)'
    : `chains wait for it at each step, ${chainWait / 1e3} s at most; then the vCon goes to the dead letters, and the event is tried on`;
}

/** The names of tracers that are configured and hear nothing. */
export function disabledTracers({ config }: LoadedConfig): string[] {
  return Object.entries(config.tracers).flatMap(([name, tracer]) => (isEnabled(tracer) ? [] : [name]));
}

/** The exporters that a configuration names: ours first, in the order of their registry. */
export function exportersOf({ config, directory }: LoadedConfig): NamedComponent<ExporterDefinition>[] {
  const sections = config.exporters;
  const ours: Readonly<Record<string, ExporterDefinition>> = builtInExporters;
  const own = Object.entries(sections).flatMap(([name, section]) =>
    section && 'module' in section && !Object.hasOwn(ours, name) ? [{ name, section }] : [],
  );
  return [
    ...oursOf('exporters', ours, sections),
    ...own.map(({ name, section }) =>
      theirComponent(formatPath(['exporters', name]), name, section, directory, 'defineExporter'),
    ),
  ];
}

/** The vCon store that a configuration names. */
export function vconStoreOf({ config, directory }: LoadedConfig): NamedComponent<VconStoreDefinition> {
  const { vcon_store: store } = config;
  const path = 'vcon_store';
  if (store.type === 'module') return theirComponent(path, undefined, store, directory, 'defineVconStore');
  return ourComponent<VconStoreDefinition>(path, store.type, builtInVconStores[store.type], store);
}

/** The journal that a configuration names. */
export function journalOf({ config: { journal } }: LoadedConfig): NamedComponent<JournalDefinition> {
  return ourComponent<JournalDefinition>('journal', journal.type, builtInJournals[journal.type], journal);
}

/** The receivers that a configuration names. */
export function receiversOf({ config }: LoadedConfig): NamedComponent<ReceiverDefinition>[] {
  return oursOf<ReceiverDefinition>('receivers', builtInReceivers, config.receivers);
}

/** Those of a registry for which there is a section. */
function oursOf<Definition extends AnyComponent>(
  path: string,
  registry: Readonly<Record<string, Definition>>,
  sections: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>,
): NamedComponent<Definition>[] {
  return Object.entries(registry).flatMap(([name, definition]) => {
    const options = sections[name];
    return options ? [ourComponent(`${path}.${name}`, name, definition, options)] : [];
  });
}
