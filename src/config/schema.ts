import { z } from 'zod';
import type { TracerModule } from '../model/tracer.ts';
import { delivery } from './delivery.ts';
import { period } from './duration.ts';
import { receivers } from './receivers.ts';
import { emptyIfNull, isEmptySection, section } from './section.ts';
import { fileSize } from './size.ts';
import { httpUrl, port, redisUrl, text } from './values.ts';

const names = emptyIfNull(z.array(text), []);

const tracer = z.strictObject({
  module: z.custom<string | TracerModule>(isModule, {
    error: ({ input }) => (input === undefined ? 'is required' : 'expected a path or a package name'),
  }),
  options: section(z.record(z.string(), z.unknown())).prefault({}),
  delivery: section(delivery).optional(),
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

const exporters = z.strictObject({
  otlp: section(
    z.strictObject({ endpoint: httpUrl, headers: section(z.record(text, z.string())).optional() }),
  ).optional(),
  otlp_file: section(z.strictObject({ path: text })).optional(),
  prometheus: section(
    z.strictObject({ host: text.default('127.0.0.1'), port: port.default(9464) }),
  ).optional(),
});

const vconStore = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('redis'), url: redisUrl }),
  z.strictObject({ type: z.literal('directory'), path: text }),
  z.strictObject({ type: z.literal('memory') }),
]);

const onFull = z.enum(['block', 'drop']);

const journal = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('sqlite'),
    path: text.default('./data/journal.db'),
    retention: period().prefault('24h'),
    max_size: fileSize().prefault('1GiB'),
    on_full: onFull.default('block'),
  }),
  z.strictObject({
    type: z.literal('memory'),
    capacity: z.int().positive().default(100_000),
    on_full: onFull.default('drop'),
  }),
]);

/**
 * The configuration, as docs/configuration.md tells it (DESIGN §7). Strict: a key that is not here is an
 * error. A null section (everything in it commented out) is an empty one. `tracers` and `chains` have no
 * prototype, so a name taken from a foreign span finds only what was configured. Durations are in milliseconds
 * and sizes in bytes once they are checked.
 */
export const Config = z.strictObject({
  service_name: text.default('conserver'),
  log_level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  tracers: named(section(tracer)).prefault({}),
  chains: named(section(chain)).prefault({}),
  // The Python server's own file: read only, for its chains.
  conserver_config: text.optional(),
  vcon_store: tagged(vconStore).prefault({ type: 'memory' }),
  receivers: section(receivers).prefault({}),
  exporters: section(exporters).prefault({}),
  journal: tagged(journal).prefault({ type: 'memory' }),
  health: section(z.strictObject({ host: text.default('127.0.0.1'), port: port.default(4419) })).prefault({}),
});
export type Config = z.output<typeof Config>;

/** The configuration as it may be written: defaults left out, a tracer's `module` also as an object. */
export type ConfigInput = z.input<typeof Config>;

/** A section of one `type` or another. Only a wholly empty one has a default: what is in it must say its type. */
function tagged<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess(
    (value: z.input<Schema> | null) => (isEmptySection(value) ? { type: 'memory' } : value),
    schema,
  );
}

function named<Schema extends z.ZodType>(schema: Schema) {
  return section(z.record(text, schema)).transform((record) => {
    const bare: Record<string, z.output<Schema>> = Object.create(null);
    return Object.assign(bare, record);
  });
}

function isModule(value: unknown): boolean {
  return typeof value === 'object'
    ? value !== null
    : typeof value === 'function' || (typeof value === 'string' && value !== '');
}
