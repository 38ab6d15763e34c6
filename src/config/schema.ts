import { z } from 'zod';
import { builtInExporters } from '../exporters/registry.ts';
import { closed, listening } from '../incoming/listening.ts';
import { builtInJournals, DEFAULT_JOURNAL } from '../journal/registry.ts';
import type { ExporterDefinition } from '../model/exporter.ts';
import { delay, period } from '../model/options/duration.ts';
import { emptyIfNull, section } from '../model/options/section.ts';
import { text } from '../model/options/values.ts';
import type { TracerModule } from '../model/tracer.ts';
import type { VconStoreDefinition } from '../model/vcon-store.ts';
import { builtInReceivers } from '../receivers/registry.ts';
import { builtInVconStores, DEFAULT_VCON_STORE } from '../vcon-store/registry.ts';
import {
  moduleShape,
  namedSections,
  openSections,
  openTypedSection,
  typedSection,
} from './component-sections.ts';
import { delivery } from './delivery.ts';
import { traceTemplate } from './trace-template.ts';

const names = emptyIfNull(z.array(text), []);

const tracer = z.strictObject({
  ...moduleShape<TracerModule>(),
  enabled: z.boolean().optional(),
  // Of a module of somebody else's; absent: `thread`.
  isolation: z.enum(['thread', 'none']).optional(),
  delivery: section(delivery).optional(),
  // With `module: python:…`.
  python: text.optional(),
  pythonpath: z.union([text, z.array(text)], { error: 'expected a folder, or a list of folders' }).optional(),
  // The conserver's, which installs at run time; copied blocks may have it.
  pip_name: z.string().nullish(),
});

const chain = z.strictObject({
  links: names.optional(),
  storages: names.optional(),
  ingress_lists: names.optional(),
  egress_lists: names.optional(),
  tracers: names.optional(),
  enabled: z.union([z.boolean(), z.number()], { error: 'expected true, false or a number' }).optional(),
  timeout: z.number().positive().optional(),
});

const exporters = openSections<typeof builtInExporters, ExporterDefinition>(builtInExporters);

const vconStore = openTypedSection<typeof builtInVconStores, VconStoreDefinition>(
  builtInVconStores,
  DEFAULT_VCON_STORE,
);

const assembler = z.strictObject({
  settle: delay().prefault('10s'),
  timeout: delay().prefault('15m'),
  max_runs: z.int().positive().default(100_000),
  oldest: period().prefault('31d'),
  ahead: period().prefault('1h'),
});

// What listens to a Python conserver.
const receivers = z.strictObject({
  ...namedSections(builtInReceivers),
  assembler: section(assembler).prefault({}),
});

const health = closed(z.strictObject(listening(4419)));

const admin = closed(
  z.strictObject({
    ...listening(4419),
    // What chains do, to look at in a browser.
    page: z.boolean().default(true),
    // What operators do by `queue` and `replay`, on the page as well.
    actions: z.boolean().default(false),
    // By the names of where traces can be seen.
    trace_urls: section(z.record(text, traceTemplate)).prefault({}),
  }),
).refine(({ actions, token }) => !actions || Boolean(token), {
  path: ['actions'],
  error: 'needs `token`: whoever reaches the page could change what tracers hear',
});

/** Where the health of a service is told that says nothing about it. */
export const DEFAULT_HEALTH: z.output<typeof health> = health.parse({});

/**
 * The configuration, as docs/configuration.md tells it (DESIGN §7). Strict: a key that is not here is an
 * error. A null section (everything in it commented out) is an empty one. `tracers` and `chains` have no
 * prototype, so a name taken from a foreign span finds only what was configured. Durations are in milliseconds
 * and sizes in bytes once they are checked.
 */
export const Config = z.strictObject({
  service_name: text.default('conserver'),
  log_level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  // Below the 30 s that orchestrators wait before they kill.
  shutdown_timeout: delay().prefault('25s'),
  tracers: named(section(tracer)).prefault({}),
  chains: named(section(chain)).prefault({}),
  // The Python server's own file: read only, for its chains.
  conserver_config: text.optional(),
  vcon_store: vconStore.prefault({ type: DEFAULT_VCON_STORE }),
  receivers: section(receivers).prefault({}),
  exporters: section(exporters).prefault({}),
  journal: typedSection(builtInJournals, DEFAULT_JOURNAL).prefault({ type: DEFAULT_JOURNAL }),
  // Health, metrics and the page on one server.
  admin: section(admin).optional(),
  // Without an admin server, it is there by default.
  health: section(health).optional(),
});
export type Config = z.output<typeof Config>;

/** The configuration as it may be written: defaults left out, a tracer's `module` also as an object. */
export type ConfigInput = z.input<typeof Config>;

function named<Schema extends z.ZodType>(schema: Schema) {
  return section(z.record(text, schema)).transform((record) => {
    const bare: Record<string, z.output<Schema>> = Object.create(null);
    return Object.assign(bare, record);
  });
}
