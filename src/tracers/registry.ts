import type { TracerDefinition } from '../model/tracer.ts';
import attest from './attest.ts';
import auditLog from './audit-log.ts';
import compliance from './compliance.ts';
import dbAudit from './db-audit.ts';
import externalAudit from './external-audit.ts';
import jlinc from './jlinc.ts';
import metrics from './metrics.ts';

/** The tracers that come with the package, by their `module` in a configuration. What they need of libraries is loaded when they are used. */
export const builtInTracers: ReadonlyMap<string, TracerDefinition> = new Map<string, TracerDefinition>([
  ['tracers.attest', attest],
  ['tracers.audit_log', auditLog],
  ['tracers.compliance', compliance],
  ['tracers.db_audit', dbAudit],
  ['tracers.external_audit', externalAudit],
  ['tracers.jlinc', jlinc],
  ['tracers.metrics', metrics],
]);
