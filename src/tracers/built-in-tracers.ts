import type { TracerDefinition } from '../model/tracer.ts';

type Load = () => Promise<TracerDefinition>;

/** The tracers that come with the package, by what a configuration calls their `module`. Each is loaded when it is asked for. */
export const builtInTracers: ReadonlyMap<string, Load> = new Map<string, Load>([
  ['tracers.audit_log', async () => (await import('./audit-log.ts')).default],
  ['tracers.compliance', async () => (await import('./compliance.ts')).default],
  ['tracers.db_audit', async () => (await import('./db-audit.ts')).default],
  ['tracers.external_audit', async () => (await import('./external-audit.ts')).default],
  ['tracers.jlinc', async () => (await import('./jlinc.ts')).default],
  ['tracers.metrics', async () => (await import('./metrics.ts')).default],
]);
